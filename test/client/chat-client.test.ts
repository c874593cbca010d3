import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { contentsOf, sentOf, TestClient } from "./support.ts";

let app: TestApp;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice", { name: "Alice" });
  await TestUser.open(app, "bob", { name: "Bob" });
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

test("a client sends, and receives what others send", async () => {
  const roomId = await alice.createRoom("Tea", ["bob"]);
  await using bob = new TestClient(app, "bob");
  await bob.live();
  await bob.client.queue.add({ roomId, content: "hello" });
  await until("sent", () => bob.client.queue.items.get()[0]?.status === "sent");
  await alice.send(roomId, "hi");
  await until("both", () => bob.events.length >= 2);
  expect(bob.contents).toEqual(["hello", "hi"]);
});

test("a room shows its newest messages, older pages and what comes, each once and in order", async () => {
  const roomId = await alice.createRoom("Long", ["bob"]);
  for (let index = 0; index < 120; index++) await alice.send(roomId, `${index}`);
  await using bob = new TestClient(app, "bob");
  const room = bob.client.rooms.get(roomId);
  expect(room.status.get()).toBe("loading");
  await until("ready", () => room.status.get() === "ready");
  await room.send({ content: "120" });
  expect(contentsOf(room).at(-1)).toBe("120");
  await until("shown", () => room.messages.get().at(-1)?.position !== undefined);
  expect(contentsOf(room)).toEqual(Array.from({ length: 51 }, (_, index) => `${70 + index}`));
  await room.loadOlder();
  await room.loadOlder();
  expect(contentsOf(room)).toEqual(Array.from({ length: 121 }, (_, index) => `${index}`));
  expect(room.hasOlder.get()).toBe(false);
  await room.loadOlder();
  expect(room.messages.get()).toHaveLength(121);
});

test("edits, deletions and receipts reach an open room", async () => {
  const roomId = await alice.createRoom("Change", ["bob"]);
  await using bob = new TestClient(app, "bob");
  await using other = new TestClient(app, "alice");
  const [here, there] = [bob.client.rooms.get(roomId), other.client.rooms.get(roomId)];
  await until("ready", () => here.status.get() === "ready" && there.status.get() === "ready");
  await here.send({ content: "first" });
  await here.send({ content: "second" });
  await until("both", () => contentsOf(there).length === 2);
  const [first, second] = sentOf(there);
  expect(await here.edit(first!.id, "first!")).toMatchObject({ ok: true });
  expect(await here.delete(second!.id)).toMatchObject({ ok: true });
  expect(await there.edit(first!.id, "mine")).toMatchObject({ ok: false, code: "FORBIDDEN" });
  await until("changed", () => contentsOf(there).join() === "first!,");
  there.noteRead(first!.id);
  await until("read", () => here.receipts.get().readersOf(first!).length === 1);
  expect(here.receipts.get().readersOf(first!)[0]?.user).toMatchObject({ id: "alice", name: "alice" });
  expect(there.receipts.get().isRead(first!)).toBe(true);
  await using later = new TestClient(app, "bob");
  const again = later.client.rooms.get(roomId);
  await until("ready", () => again.status.get() === "ready");
  expect(again.receipts.get().readersOf(first!)).toEqual(here.receipts.get().readersOf(first!));
});

test("the inbox counts what is unread and knows the last message of each room", async () => {
  const roomId = await alice.createRoom("Counted", ["bob"]);
  await using bob = new TestClient(app, "bob");
  await until("ready", () => bob.client.inbox.get().status === "ready");
  const shown = () => bob.client.inbox.get().rooms.find(({ id }) => id === roomId);
  expect(shown()).toMatchObject({ name: "Counted", unreadCount: 0, lastMessage: null });
  const sent = await alice.send(roomId, "one");
  await alice.send(roomId, "two");
  await until("two unread", () => shown()?.unreadCount === 2);
  expect(bob.client.inbox.get().rooms[0]).toMatchObject({ id: roomId, lastMessage: { content: "two" } });
  bob.client.rooms.get(roomId).noteRead(sent.id);
  await until("one unread", () => shown()?.unreadCount === 1);
  const late = await alice.createRoom("Late", ["bob"]);
  await until("listed", () => bob.client.inbox.get().rooms.some(({ id, name }) => id === late && name === "Late"));
  await alice.mutate("removeMember", { roomId: late, userId: "bob" });
  await until("no longer listed", () => bob.client.inbox.get().rooms.every(({ id }) => id !== late));
});
