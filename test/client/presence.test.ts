import { afterAll, beforeAll, expect, test } from "vitest";
import type { Presence } from "../../src/client/presence-store.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { TestClient } from "./support.ts";
import { Wire } from "./wire.ts";

let app: TestApp;
let roomId: string;
const quick = { backoff: { baseMs: 5, maxMs: 20 } };

beforeAll(async () => {
  app = await startTestApp();
  const alice = await TestUser.open(app, "alice");
  for (const id of ["bob", "carol", "stranger"]) await TestUser.open(app, id);
  roomId = await alice.createRoom("Here", ["bob", "carol"]);
  await alice[Symbol.asyncDispose]();
});

afterAll(() => app.close());

/** Looks at a user's presence as a component would. */
function look(client: TestClient, userId: string) {
  const presence = client.client.presence.of(userId);
  const told: (Presence | undefined)[] = [];
  const stop = presence.subscribe(() => told.push(presence.get()));
  return { status: () => presence.get()?.status, told, get: () => presence.get(), stop };
}

test("others see who is here, away by idling and busy by choice, over new connections too", async () => {
  await using alice = new TestClient(app, "alice");
  const bobs = look(alice, "bob");
  await until("known", () => bobs.status() === "OFFLINE");
  const wire = new Wire();
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, ...quick });
  await until("here", () => bobs.status() === "ONLINE");
  bob.client.presence.setIdle(true);
  await until("away", () => bobs.status() === "AWAY");
  wire.cut();
  await bob.live();
  const { told } = bobs;
  told.length = 0;
  expect(await bob.client.presence.set({ customStatus: "reading", currentRoomId: roomId })).toMatchObject({ ok: true });
  await until("told", () => bobs.get()?.customStatus === "reading");
  // The new connection was told that the user is idle before anything else.
  expect(bobs.get()).toMatchObject({ status: "AWAY", devices: ["WEB"], currentRoom: { id: roomId } });
  expect(await bob.client.presence.set({ status: "BUSY" })).toMatchObject({ ok: true });
  await until("busy", () => bobs.status() === "BUSY");
  bob.client.presence.setIdle(false);
  wire.cut();
  await bob.live();
  await bob.client.presence.set({ customStatus: null });
  await until("cleared", () => bobs.get()?.customStatus === null);
  expect(bobs.status()).toBe("BUSY");
  await bob.client.presence.set({ status: null });
  await until("online", () => bobs.status() === "ONLINE");
  bobs.stop();
});

test("who is to be taken for offline is never seen, neither at first nor over a new connection", async () => {
  const wire = new Wire();
  await using alice = new TestClient(app, "alice");
  const carols = look(alice, "carol");
  await until("known", () => carols.status() === "OFFLINE");
  await using carol = new TestClient(app, "carol", { status: "OFFLINE", webSocketImpl: wire.WebSocket, ...quick });
  await carol.live();
  wire.cut();
  await carol.live();
  // Tells of her in the order of her changes: whatever she was seen as before comes before it.
  expect(await carol.client.presence.set({ customStatus: "hidden" })).toMatchObject({ ok: true });
  await until("told", () => carols.get()?.customStatus === "hidden");
  expect(carols.told.map((each) => each?.status)).not.toContain("ONLINE");
  expect(await carol.client.presence.set({ status: null, customStatus: null })).toMatchObject({ ok: true });
  await until("seen", () => carols.status() === "ONLINE");
  carols.stop();
});

test("users are watched together, and only while somebody looks; a stranger stays unknown", async () => {
  const wire = new Wire();
  await using alice = new TestClient(app, "alice", { webSocketImpl: wire.WebSocket });
  await alice.live();
  const looks = ["bob", "carol", "stranger", "bob"].map((userId) => look(alice, userId));
  await until("known", () => looks[0]!.status() !== undefined && looks[1]!.status() !== undefined);
  expect(looks[2]!.get()).toBeUndefined();
  const watches = () => wire.begun("presence").map(({ payload }) => payload?.variables?.["userIds"]);
  expect(watches()).toEqual([["bob", "carol", "stranger"]]);
  // Looking away and back, as a component that is mounted anew, changes nothing.
  looks[1]!.stop();
  const again = look(alice, "carol");
  looks[0]!.stop();
  for (const one of [looks[3]!, looks[2]!]) one.stop();
  await until("fewer", () => watches().length === 2);
  expect(watches()[1]).toEqual(["carol"]);
  again.stop();
  const completes = () => wire.sent.filter(({ type }) => type === "complete").length;
  const before = completes();
  await until("ended", () => completes() > before);
  expect(watches()).toHaveLength(2);
});

test("nothing is claimed of others while there is no connection", async () => {
  const wire = new Wire();
  await using carol = new TestClient(app, "carol");
  await using alice = new TestClient(app, "alice", {
    webSocketImpl: wire.WebSocket,
    backoff: { baseMs: 60_000, random: () => 0.99 },
  });
  await carol.live();
  const carols = look(alice, "carol");
  await until("known", () => carols.status() === "ONLINE");
  wire.cut();
  await until("offline", () => alice.status === "offline");
  expect(carols.get()).toBeUndefined();
  alice.client.wake();
  await until("known again", () => carols.status() === "ONLINE");
  carols.stop();
});

test("typing is told again to who was removed and came back, and so is the status of who had that room in view", async () => {
  await using owner = await TestUser.open(app, "alice");
  const placeId = await owner.createRoom("Come and go", ["bob"]);
  await using alice = new TestClient(app, "alice");
  await using bob = new TestClient(app, "bob", quick);
  await Promise.all([alice.live(), bob.live()]);
  const [theirs, room] = [alice.client.rooms.get(placeId), bob.client.rooms.get(placeId)];
  const releases = [alice.client.rooms.hold(placeId), bob.client.rooms.hold(placeId)];
  const stop = room.typing.subscribe(() => undefined);
  const bobs = look(alice, "bob");
  await until("ready", () => room.status.get() === "ready");
  await bob.client.presence.set({ status: "BUSY", currentRoomId: placeId });
  await owner.mutate("removeMember", { roomId: placeId, userId: "bob" });
  await until("left", () => room.status.get() === "left");
  expect(await bob.client.presence.set({ status: "AWAY" })).toMatchObject({ ok: true });
  await until("away", () => bobs.status() === "AWAY");
  await owner.mutate("addMember", { roomId: placeId, userId: "bob", role: "MEMBER" });
  await until("back", () => room.status.get() === "ready");
  theirs.noteTyping();
  await until("typing", () => room.typing.get().length === 1);
  stop();
  bobs.stop();
  for (const release of releases) release();
});

test("typing reaches the others in the room while it lasts, and ends with the message", async () => {
  await using alice = new TestClient(app, "alice");
  await using bob = new TestClient(app, "bob");
  await Promise.all([alice.live(), bob.live()]);
  const [here, there] = [alice.client.rooms.get(roomId), bob.client.rooms.get(roomId)];
  const releases = [alice.client.rooms.hold(roomId), bob.client.rooms.hold(roomId)];
  const told: string[] = [];
  const stop = here.typing.subscribe(() =>
    told.push(
      here.typing
        .get()
        .map(({ id }) => id)
        .join(),
    ),
  );
  const stopOwn = there.typing.subscribe(() => told.push("the typist heard of it"));
  there.noteTyping();
  await until("typing", () => told.at(-1) === "bob");
  await there.send({ content: "here it is" });
  await until("ended", () => told.at(-1) === "");
  expect(told).toEqual(["bob", ""]);
  there.noteTyping();
  await until("again", () => told.at(-1) === "bob");
  await bob.client.dispose();
  await until("ended with the client", () => told.at(-1) === "");
  stop();
  stopOwn();
  for (const release of releases) release();
  expect(here.typing.get()).toEqual([]);
});
