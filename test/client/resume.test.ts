import { afterAll, beforeAll, expect, test } from "vitest";
import { createFakeClock } from "../support/fake-clock.ts";
import { createMemoryStorage } from "../../src/client/storage.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { keepPosition } from "./keep-position.ts";
import { contentsOf, TestClient, webSocketUrl } from "./support.ts";
import { Wire, type Frame } from "./wire.ts";

let app: TestApp;
let alice: TestUser;

/** No waiting for chance. */
const quick = { backoff: { baseMs: 5, maxMs: 20 } };

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  for (const id of ["bob", "carol", "dave", "erin", "frank"]) await TestUser.open(app, id);
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => `${from + index}`);

async function sendAll(roomId: string, contents: string[]) {
  const sent = [];
  for (const content of contents) sent.push(await alice.send(roomId, content));
  return sent;
}

test("a lost connection is resumed from the newest cursors, not from those it began with", async () => {
  const roomId = await alice.createRoom("Resume", ["bob"]);
  const wire = new Wire();
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, ...quick });
  await bob.live();
  let newest = "";
  for (let round = 0; round < 3; round++) {
    newest = (await sendAll(roomId, numbers(round * 10, round * 10 + 4))).at(-1)!.position;
    await until("received", () => bob.events.length === round * 10 + 5);
    wire.cut();
    await until("gone", () => wire.sockets.length === round + 2);
    await sendAll(roomId, numbers(round * 10 + 5, round * 10 + 9));
    await bob.live();
    await until("received", () => bob.events.length === round * 10 + 10);
    expect(wire.afterOf("inbox").at(-1)).toContain(newest);
  }
  expect(bob.contents).toEqual(numbers(0, 29));
  expect(wire.begun("inbox")).toHaveLength(4);
  // What never began has nothing to resume from.
  expect(wire.afterOf("inbox")[0]).toBeNull();
  expect(bob.faults).toEqual([]);
});

test("a frame that is lost on its way is noticed by the next one, and read again", async () => {
  const roomId = await alice.createRoom("Lossy", ["carol"]);
  const wire = new Wire();
  await using carol = new TestClient(app, "carol", { webSocketImpl: wire.WebSocket, ...quick });
  await carol.live();
  const room = carol.client.rooms.get(roomId);
  await until("ready", () => room.status.get() === "ready");
  const [first] = await sendAll(roomId, ["0"]);
  await until("first", () => carol.events.length === 1);
  let lost = 0;
  wire.isLost = (frame) => JSON.stringify(frame).includes('"content":"1"') && lost++ === 0;
  await sendAll(roomId, numbers(1, 4));
  await until("all", () => carol.events.length === 5);
  expect(lost).toBeGreaterThan(0);
  expect(carol.contents).toEqual(numbers(0, 4));
  expect(contentsOf(room)).toEqual(numbers(0, 4));
  expect(wire.afterOf("inbox")[1]).toContain(first!.position);
  // The same socket: a loss is no reason to connect anew.
  expect(wire.sockets).toHaveLength(1);
});

test("a server that loses the same for good is not asked for ever: the rooms are loaded anew", async () => {
  const roomId = await alice.createRoom("Lost", ["carol"]);
  const wire = new Wire();
  await using carol = new TestClient(app, "carol", { webSocketImpl: wire.WebSocket, ...quick });
  await carol.live();
  const room = carol.client.rooms.get(roomId);
  await until("ready", () => room.status.get() === "ready");
  const isFeed = (frame: Frame) => JSON.stringify(frame).includes('"inbox":{');
  wire.isLost = (frame) => isFeed(frame) && JSON.stringify(frame).includes('"content":"1"');
  await sendAll(roomId, numbers(1, 4));
  await until("all", () => contentsOf(room).length === 4);
  expect(contentsOf(room)).toEqual(numbers(1, 4));
  expect(wire.afterOf("inbox").at(-1)).toBeNull();
});

test("a half-open connection is found by its silence", async () => {
  const roomId = await alice.createRoom("Silent", ["bob"]);
  const wire = new Wire();
  const timing = { pingAfterMs: 50, pongWithinMs: 300, ...quick };
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, ...timing });
  await bob.live();
  wire.isMute = true;
  await sendAll(roomId, ["0"]);
  await until("noticed", () => bob.status !== "live");
  wire.isMute = false;
  await until("received", () => bob.contents.join() === "0");
  expect(wire.sockets.length).toBeGreaterThan(1);
});

test("away for long, it reads what it missed by pages, each from where the last ended", async () => {
  const roomId = await alice.createRoom("Away", ["dave"]);
  const storage = createMemoryStorage();
  await using before = new TestClient(app, "dave", { storage });
  await before.live();
  await before.client.dispose();
  await sendAll(roomId, numbers(1, 250));
  const wire = new Wire();
  await using dave = new TestClient(app, "dave", { storage, webSocketImpl: wire.WebSocket });
  await dave.live();
  expect(dave.contents).toEqual(numbers(1, 250));
  const pages = wire.afterOf("sync").map((after) => (after as string[]).find((cursor) => cursor.startsWith(roomId))!);
  expect(pages).toHaveLength(3);
  expect(pages).toEqual(pages.toSorted());
  expect(new Set(pages).size).toBe(3);
});

test("what a device has taken in does not come again after a reload, nor in another tab opened later", async () => {
  const roomId = await alice.createRoom("Reload", ["erin"]);
  const storage = createMemoryStorage();
  await using first = new TestClient(app, "erin", { storage });
  await using second = new TestClient(app, "erin", { storage });
  await Promise.all([first.live(), second.live()]);
  await sendAll(roomId, numbers(0, 4));
  await until("both", () => first.events.length === 5 && second.events.length === 5);
  await second.client.dispose();
  await sendAll(roomId, numbers(5, 7));
  await until("first", () => first.events.length === 8);
  await first.client.dispose();
  await sendAll(roomId, ["8"]);
  await using third = new TestClient(app, "erin", { storage });
  await third.live();
  expect(third.contents).toEqual(["8"]);
});

test.each([
  ["by pages", 0],
  ["over the subscription", Number.POSITIVE_INFINITY],
])("CURSOR_RESET %s: what was held is dropped and loaded anew", async (_how, pagesAfterMs) => {
  const roomId = await alice.createRoom("Reset", ["frank"]);
  await sendAll(roomId, numbers(0, 2));
  const storage = createMemoryStorage();
  const cursors = [`${roomId}.0000000000009999`];
  await keepPosition(storage, { url: webSocketUrl(app), userId: "frank", cursors });
  const wire = new Wire();
  const options = { storage, webSocketImpl: wire.WebSocket, pagesAfterMs, ...quick };
  await using frank = new TestClient(app, "frank", options);
  const room = frank.client.rooms.get(roomId);
  await frank.live();
  await until("loaded", () => contentsOf(room).join() === "0,1,2");
  await sendAll(roomId, ["3"]);
  await until("live", () => contentsOf(room).join() === "0,1,2,3");
  const shown = frank.client.inbox.get().rooms.find(({ id }) => id === roomId);
  expect(shown).toMatchObject({ lastMessage: { content: "3" }, unreadCount: 4 });
  expect(wire.sockets).toHaveLength(1);
});

test("a token is renewed on the open socket before it ends", async () => {
  const wire = new Wire();
  let asked = 0;
  const getToken = () => {
    asked++;
    return tokenOf("bob", { exp: Math.floor(Date.now() / 1000) + 3 });
  };
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, getToken });
  await bob.live();
  const beganMs = Date.now();
  await until("past the first token's end, and the second's", () => Date.now() - beganMs > 7_000);
  expect(bob.status).toBe("live");
  expect(wire.sockets).toHaveLength(1);
  expect(asked).toBeGreaterThanOrEqual(3);
  expect(bob.faults).toEqual([]);
});

test("a token that ended closes the socket, and the next one is asked for", async () => {
  const wire = new Wire();
  const tokens = [await tokenOf("bob", { exp: Math.floor(Date.now() / 1000) + 2 })];
  let asked = 0;
  // The provider is not able to give another before the first one ended.
  const getToken = async () => (asked++ < 3 ? tokens[0]! : tokenOf("bob"));
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, getToken, ...quick });
  await bob.live();
  await until("closed", () => bob.status !== "live");
  await bob.live();
  expect(wire.sockets.length).toBeGreaterThan(1);
});

test("a client that was disposed of leaves no timer, no socket and nothing that comes later", async () => {
  const roomId = await alice.createRoom("Over", ["bob"]);
  const clock = createFakeClock(Date.now());
  const wire = new Wire();
  const bob = new TestClient(app, "bob", { clock, webSocketImpl: wire.WebSocket });
  const room = bob.client.rooms.get(roomId);
  const release = bob.client.rooms.hold(roomId);
  await until("ready", () => bob.status === "live" && room.status.get() === "ready");
  await room.send({ content: "bye" });
  await until("sent", () => bob.events.length === 1);
  room.noteRead((await alice.send(roomId, "and you")).id);
  await until("received", () => bob.events.length === 2);
  expect(clock.timers).toBeGreaterThan(0);
  await bob.client.dispose();
  release();
  expect(clock.timers).toBe(0);
  await until("closed", () => wire.openSockets === 0);
  await clock.advance(3_600_000);
  expect(wire.sockets).toHaveLength(1);
  // What was read is told before the end.
  const { room: seen } = await alice.must<{
    room: { messages: { edges: { node: { readBy: { edges: unknown[] } } }[] } };
  }>(
    "query ($id: ID!) { room(id: $id) { messages(last: 1) { edges { node { readBy { edges { node { id } } } } } } } }",
    { id: roomId },
  );
  expect(seen.messages.edges[0]!.node.readBy.edges).toHaveLength(1);
});
