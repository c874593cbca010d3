import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { ManualClock } from "../contract/presence-board-clocks.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { presenceOf, TestDevice } from "../support/presence.ts";
import { watchStatements } from "../support/statements.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

// By a clock that stands still until it is moved: what happens at which millisecond.
const clock = new ManualClock();
let app: TestApp;
let alice: TestUser;
let bob: TestUser;
let roomId: string;
let count = 0;

beforeAll(async () => {
  app = await startTestApp({ presence: { clock } });
});

afterAll(() => app?.close());

beforeEach(async () => {
  count += 1;
  alice = await TestUser.open(app, `alice-${count}`);
  bob = await TestUser.open(app, `bob-${count}`);
  roomId = await alice.createRoom("Room", [bob.id]);
  // Whatever an earlier test has set off.
  clock.advance(60_000);
});

/** Who types, as a new subscriber is told. */
async function typistsNow(device: TestDevice): Promise<string[]> {
  await using typists = device.typing(roomId);
  const typing = await typists.next();
  return typing;
}

test("typing ends exactly 5 s after it was last said, though only one in a second is announced", async () => {
  await using tab = await TestDevice.open(alice);
  await using phone = await TestDevice.open(bob);
  await using typists = tab.typing(roomId);
  expect(await typists.next()).toEqual([]);
  await phone.setTyping(roomId, true);
  expect(await typists.next()).toEqual([bob.id]);
  clock.advance(900);
  await phone.setTyping(roomId, true);
  clock.advance(4_999);
  expect(await typistsNow(tab)).toEqual([bob.id]);
  clock.advance(1);
  expect(await typistsNow(tab)).toEqual([]);
  expect(await typists.next()).toEqual([]);
  expect(typists.lists).toEqual([[], [bob.id], []]);
});

test("what begins and ends within 200 ms of the last that was told is told together", async () => {
  await using tab = await TestDevice.open(alice);
  await using phone = await TestDevice.open(bob);
  await using typists = tab.typing(roomId);
  expect(await typists.next()).toEqual([]);
  await phone.setTyping(roomId, true);
  expect(await typists.next()).toEqual([bob.id]);
  for (const isTyping of [false, true, false, true, false]) await phone.setTyping(roomId, isTyping);
  clock.advance(199);
  expect(await typistsNow(tab)).toEqual([]);
  expect(typists.lists).toHaveLength(2);
  clock.advance(1);
  expect(await typists.next()).toEqual([]);
});

test("that one may type is asked of the database once a second, where the node does not watch the room", async () => {
  await using phone = await TestDevice.open(bob);
  using statements = watchStatements(app.databaseUrl);
  const asked = async () => {
    const sent = await statements.during(() => phone.setTyping(roomId, true));
    return sent.filter((name) => name === "read-members").length;
  };
  expect(await asked()).toBe(1);
  for (const ms of [0, 300, 699]) {
    clock.advance(ms);
    expect(await asked()).toBe(0);
  }
  clock.advance(1);
  expect(await asked()).toBe(1);
});

test("one who was removed at a node that this one does not hear of types here for no more than a second", async () => {
  // There is nothing between the two: each has a bus of its own.
  await using apart = await startTestApp({ databaseUrl: app.databaseUrl });
  await using phone = await TestDevice.open(bob);
  expect(await phone.setTyping(roomId, true)).toEqual([]);
  await alice.at(apart).mutate("removeMember", { roomId, userId: bob.id });
  clock.advance(1_000);
  expect(await phone.setTyping(roomId, true)).toMatchObject([{ code: "NOT_FOUND", path: ["roomId"] }]);
});

test("do-not-disturb ends at its time, by the clock on the wall, also when that is set", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await observed.next();
  const inAnHour = new Date(clock.wallMs() + 3_600_000).toISOString();
  await bob.mutate("setPresence", { doNotDisturbUntil: inAnHour });
  await until("it is told", async () => {
    clock.advance(200);
    return observed.states.get(bob.id)?.doNotDisturbUntil === inAnHour;
  });
  clock.jumpWall(Date.parse(inAnHour) - clock.wallMs() - 1_000);
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ doNotDisturbUntil: inAnHour }]);
  clock.jumpWall(1_000);
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ doNotDisturbUntil: null }]);
  // Whoever watches is told within a minute of the jump.
  clock.advance(60_000);
  clock.advance(200);
  await observed.sees(bob.id, { doNotDisturbUntil: null });
});

test("a session counts 5 s longer than its connection, and what changes is told 200 ms later", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await observed.next();
  const phone = await TestDevice.open(bob);
  clock.advance(200);
  expect(await observed.next()).toMatchObject([{ status: "ONLINE" }]);
  await phone.close();
  await until("the server knows of it", async () => {
    const text = await (await fetch(`${app.url}/metrics`)).text();
    return /^causerie_connections{kind="websocket"} 1$/m.test(text);
  });
  clock.advance(4_999);
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ status: "ONLINE" }]);
  clock.advance(1);
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ status: "OFFLINE" }]);
  expect(observed.lists).toHaveLength(2);
  clock.advance(200);
  expect(await observed.next()).toMatchObject([{ status: "OFFLINE" }]);
});
