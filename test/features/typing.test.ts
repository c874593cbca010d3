import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { passes, TestDevice, type Typists } from "../support/presence.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { watchStatements } from "../support/statements.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

// Two servers on one Redis and one Postgres.
let redis: TestRedis;
let here: TestApp;
let there: TestApp;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
let roomId: string;
let count = 0;

beforeAll(async () => {
  redis = await startRedis();
  const env = { REDIS_URL: redis.url };
  here = await startTestApp({ env });
  there = await startTestApp({ databaseUrl: here.databaseUrl, env });
});

afterAll(async () => {
  await there?.close();
  await here?.close();
  await redis?.close();
});

/** A room of its own for each test. */
beforeEach(async () => {
  count += 1;
  const open = (name: string) => TestUser.open(here, `${name}-${count}`, { name });
  alice = await open("Alice");
  bob = await open("Bob");
  carol = await open("Carol");
  roomId = await alice.createRoom("Room", [bob.id, carol.id]);
});

async function follow(user: TestUser): Promise<Typists & { device: TestDevice }> {
  const device = await TestDevice.open(user);
  const typists = device.typing(roomId);
  await typists.next();
  return Object.assign(typists, { device });
}

const everywhere = () => Promise.all([follow(alice), follow(alice.at(there))]);

test("who types is told at once, on every node, the typist's own devices included, and no more once they stop", async () => {
  const [near, far] = await everywhere();
  const own = await follow(bob.at(there));
  expect(near.lists).toEqual([[]]);
  const bobs = await TestDevice.open(bob);
  expect(await bobs.setTyping(roomId, true)).toEqual([]);
  for (const each of [near, far, own]) await each.are([bob.id], 2_000);
  expect(far.received.all.at(-1)!.data!.typing).toEqual({ room: { id: roomId }, users: [{ id: bob.id, name: "Bob" }] });
  await bobs.setTyping(roomId, false);
  for (const each of [near, far, own]) await each.are([], 2_000);
});

test("the whole list is told at each change, and at once on subscribing, also to a node that did not listen before", async () => {
  const bobs = await TestDevice.open(bob);
  await bobs.setTyping(roomId, true);
  const near = await TestDevice.open(alice);
  await using first = near.typing(roomId);
  expect(await first.next()).toEqual([bob.id]);
  const far = await TestDevice.open(alice.at(there));
  await using second = far.typing(roomId);
  await second.are([bob.id], 2_000);
  const carols = await TestDevice.open(carol.at(there));
  await carols.setTyping(roomId, true);
  for (const each of [first, second]) await each.are([bob.id, carol.id], 2_000);
  await bobs.setTyping(roomId, false);
  for (const each of [first, second]) await each.are([carol.id], 2_000);
});

test("it ends after 5 s that it was not said again, and lasts as long as it is", async () => {
  const [near, far] = await everywhere();
  const bobs = await TestDevice.open(bob);
  await bobs.setTyping(roomId, true);
  for (const each of [near, far]) await each.are([bob.id]);
  await passes(3_000);
  await bobs.setTyping(roomId, true);
  const saidAtMs = performance.now();
  await passes(3_000);
  for (const each of [near, far]) expect(each.lists).toEqual([[], [bob.id]]);
  for (const each of [near, far]) await each.are([], 4_000);
  const lastedMs = performance.now() - saidAtMs;
  expect(lastedMs).toBeGreaterThan(4_900);
  expect(lastedMs).toBeLessThan(6_500);
});

test("sending a message ends it on every node, whichever node the message goes to", async () => {
  const [near, far] = await everywhere();
  const bobs = await follow(bob);
  for (const sender of [bob, bob.at(there)]) {
    await bobs.device.setTyping(roomId, true);
    for (const each of [near, far]) await each.are([bob.id]);
    // Said again, and not announced yet: it must not come after the message.
    await bobs.device.setTyping(roomId, true);
    await sender.send(roomId, "done");
    for (const each of [near, far]) await each.are([], 2_000);
    await passes(1_500);
    for (const each of [near, far]) expect(each.lists.at(-1)).toEqual([]);
  }
});

test("sending a message ends it while the node begins to watch the room", async () => {
  const bobs = await TestDevice.open(bob);
  await bobs.setTyping(roomId, true);
  using statements = watchStatements(here.databaseUrl);
  const [asked, sent] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const opened = statements.afterNext("log-read-heads", async () => {
    asked.resolve();
    await sent.promise;
  });
  let room: AsyncDisposable | undefined;
  // In the database, and not published yet.
  const stored = statements.afterNext("send-messages", () => {
    room = alice.roomEvents(roomId);
    return asked.promise;
  });
  await bob.send(roomId, "done");
  sent.resolve();
  await Promise.all([stored, opened]);
  const near = await follow(alice);
  expect(near.lists).toEqual([[]]);
  await room?.[Symbol.asyncDispose]();
});

test("it ends with the connection that typed, not with another of the same user", async () => {
  const [near, far] = await everywhere();
  const phone = await TestDevice.open(bob);
  const tab = await TestDevice.open(bob);
  const elsewhere = await TestDevice.open(bob.at(there));
  for (const device of [phone, tab, elsewhere]) await device.setTyping(roomId, true);
  for (const each of [near, far]) await each.are([bob.id]);
  phone.cut();
  await tab.close();
  // Longer than any announcement is held back, and less than what the last began with lasts.
  await passes(1_500);
  for (const each of [near, far]) expect(each.lists).toEqual([[], [bob.id]]);
  await elsewhere.setTyping(roomId, true);
  elsewhere.cut();
  for (const each of [near, far]) await each.are([], 2_000);
});

test("one who is removed types no longer, hears no more, and cannot type", async () => {
  const [near, far] = await everywhere();
  const bobs = await follow(bob.at(there));
  await bobs.device.setTyping(roomId, true);
  for (const each of [near, far, bobs]) await each.are([bob.id]);
  await alice.mutate("removeMember", { roomId, userId: bob.id });
  for (const each of [near, far]) await each.are([], 2_000);
  await bobs.received.end(2_000);
  expect(bobs.received.errors).toBeUndefined();
  const heard = bobs.lists.length;
  expect(await bobs.device.setTyping(roomId, true)).toMatchObject([{ code: "NOT_FOUND", path: ["roomId"] }]);
  const carols = await TestDevice.open(carol);
  await carols.setTyping(roomId, true);
  for (const each of [near, far]) await each.are([carol.id]);
  expect(bobs.lists).toHaveLength(heard);
  await using refused = bobs.device.typing(roomId);
  await refused.received.end();
  expect(refused.received.all).toMatchObject([{ errors: [{ extensions: { code: "NOT_FOUND" } }] }]);
});

test("one who was removed at a node that no other hears of is shown to nobody who begins to look", async () => {
  await using apart = await startTestApp({ databaseUrl: here.databaseUrl });
  const [bobs, carols] = [await TestDevice.open(bob.at(there)), await TestDevice.open(carol.at(there))];
  const alices = await TestDevice.open(alice);
  for (const device of [bobs, carols, alices]) await device.setTyping(roomId, true);
  const before = await follow(alice);
  await before.received.until(() => before.lists.at(-1)?.length === 3);
  await before.device.close();
  await until("nobody here watches the room", () => here.hub.watchOf(roomId) === undefined);
  await alice.at(apart).mutate("removeMember", { roomId, userId: bob.id });
  // Here bob was heard of before.
  await using near = alices.typing(roomId);
  await near.are([alice.id, carol.id]);
  expect(near.lists).toHaveLength(1);
});

test("one who was removed is not told of to a node that asks who types, and cannot type", async () => {
  const [bobs, carols] = [await TestDevice.open(bob.at(there)), await TestDevice.open(carol.at(there))];
  for (const device of [bobs, carols]) await device.setTyping(roomId, true);
  await alice.mutate("removeMember", { roomId, userId: bob.id });
  const near = await follow(alice);
  await near.are([carol.id]);
  expect(near.lists.flat()).not.toContain(bob.id);
  expect(await bobs.setTyping(roomId, true)).toMatchObject([{ code: "NOT_FOUND", path: ["roomId"] }]);
});

test("a stranger can neither type nor watch", async () => {
  const stranger = await TestUser.open(here, `stranger-${count}`);
  const device = await TestDevice.open(stranger);
  for (const id of [roomId, "nonsense", "00000000-0000-0000-0000-000000000000"]) {
    expect(await device.setTyping(id, true)).toMatchObject([{ __typename: "NotFoundError", code: "NOT_FOUND" }]);
    await using refused = device.typing(id);
    await refused.received.end();
    expect(refused.received.all).toMatchObject([{ errors: [{ extensions: { code: "NOT_FOUND" } }] }]);
  }
});

test("over HTTP one types too", async () => {
  const [near, far] = await everywhere();
  await bob.mutate("setTyping", { roomId, isTyping: true });
  for (const each of [near, far]) await each.are([bob.id], 2_000);
  await bob.mutate("setTyping", { roomId, isTyping: false });
  for (const each of [near, far]) await each.are([], 2_000);
});

describe("cost", () => {
  test("while the node watches the room typing sends the database nothing but what it takes to begin", async () => {
    const [near] = await everywhere();
    const bobs = await TestDevice.open(bob);
    using statements = watchStatements(here.databaseUrl);
    await bobs.setTyping(roomId, true);
    await near.are([bob.id]);
    // Revisions and revocations are compared, and last-seen is written: that goes on anyway.
    const anyway = new Set(["log-read-revisions", "read-revocations", "save-last-seen"]);
    expect(statements.sent.filter((name) => !anyway.has(name))).toEqual(["read-members"]);
    const more = await statements.during(async () => {
      for (let round = 0; round < 20; round += 1) await bobs.setTyping(roomId, round % 2 === 0);
      await passes(6_000);
      await bobs.setTyping(roomId, true);
      await near.are([bob.id]);
    });
    expect(more.filter((name) => !anyway.has(name))).toEqual([]);
  });

  test("however often it is said, one announcement a second goes out", async () => {
    const [, far] = await everywhere();
    const bobs = await TestDevice.open(bob);
    const published = async () => {
      const text = String(await redis.command("info", "commandstats"));
      return Number(/cmdstat_publish:calls=(\d+)/.exec(text)?.[1] ?? 0);
    };
    const before = await published();
    const beganAtMs = performance.now();
    let said = 0;
    while (performance.now() - beganAtMs < 3_000) {
      await bobs.setTyping(roomId, true);
      said += 1;
    }
    await far.are([bob.id]);
    const announced = (await published()) - before;
    console.info(`Typing said ${said} times in 3 s: ${announced} announcements`);
    expect(said).toBeGreaterThan(20);
    // Presence of the devices may be announced meanwhile.
    expect(announced).toBeLessThanOrEqual(4 + 4);
    expect(far.lists).toEqual([[], [bob.id]]);
  });

  test("a crowd is told at most five times a second, and at most fifty of it", async () => {
    const crowd: TestUser[] = [];
    for (let index = 0; index < 60; index += 1)
      crowd.push(await TestUser.open(here, `crowd-${count}-${index}`, { name: `User ${index}` }));
    roomId = await alice.createRoom("Crowd", [bob.id, ...crowd.map(({ id }) => id)]);
    const [near, far] = await everywhere();
    const beganAtMs = performance.now();
    for (const user of crowd) await user.mutate("setTyping", { roomId, isTyping: true });
    for (const each of [near, far]) await each.received.until(() => each.lists.at(-1)?.length === 50);
    const tookMs = performance.now() - beganAtMs;
    for (const each of [near, far]) expect(each.lists.length).toBeLessThanOrEqual(2 + Math.ceil(tookMs / 200));
    console.info(
      `60 begin to type within ${Math.round(tookMs)} ms: ${near.lists.length} and ${far.lists.length} frames`,
    );
  });
});
