import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { systemBoardClock, type BoardClock } from "../../src/live/presence-board.clock.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { passes, presenceOf, TestDevice, type Observed } from "../support/presence.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { TestUser } from "../support/user.ts";

// Guarantee 7 through the API: two server processes on one Redis and one Postgres, with the times of the product. One of
// the two is this process, so that its clock can be set.

/** The system's clock on a machine whose wall clock somebody sets. */
class SetClock implements BoardClock {
  aheadMs = 0;
  monotonicMs = (): number => systemBoardClock.monotonicMs();
  after = (ms: number, call: () => void): (() => void) => systemBoardClock.after(ms, call);
  wallMs = (): number => Date.now() + this.aheadMs;
}

const clock = new SetClock();
let redis: TestRedis;
let database: TestDatabase;
let here: ServerProcess;
let there: TestApp;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
let roomId: string;
let count = 0;
const devices: TestDevice[] = [];

beforeAll(async () => {
  redis = await startRedis();
  database = await createTestDatabase();
  here = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url });
  there = await startTestApp({ databaseUrl: database.url, env: { REDIS_URL: redis.url }, presence: { clock } });
});

afterAll(async () => {
  await there?.close();
  await here?.[Symbol.asyncDispose]();
  await database?.close();
  await redis?.close();
});

beforeEach(async () => {
  count += 1;
  const open = (name: string) => TestUser.open(here, `${name}-${count}`);
  alice = await open("alice");
  bob = await open("bob");
  carol = await open("carol");
  roomId = await alice.createRoom("Room", [bob.id, carol.id]);
});

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
  clock.aheadMs = 0;
});

async function comes(user: TestUser, params: Record<string, unknown> = {}): Promise<TestDevice> {
  const device = await TestDevice.open(user, params);
  devices.push(device);
  return device;
}

/** Alice at both servers, following the room at one and users at the other. */
async function observers(): Promise<Observed[]> {
  const near = await comes(alice);
  const far = await comes(alice.at(there));
  return [near.presence({ roomId }), far.presence({ userIds: [bob.id, carol.id] })];
}

const statusesOf = (observed: Observed, { id }: TestUser) => observed.of(id).map(({ status }) => status);
const devicesOf = (observed: Observed, { id }: TestUser) => observed.of(id).map((state) => state.devices.join());

test("of two devices of one user, at two servers, one goes away: the user stays", async () => {
  const all = await observers();
  await comes(bob, { device: "DESKTOP" });
  const phone = await comes(bob.at(there), { device: "MOBILE" });
  for (const observed of all) await observed.sees(bob.id, { status: "ONLINE", devices: ["MOBILE", "DESKTOP"] });
  phone.cut();
  for (const observed of all) {
    await observed.sees(bob.id, { status: "ONLINE", devices: ["DESKTOP"] }, 15_000);
    const seen = statusesOf(observed, bob);
    expect(seen.slice(seen.indexOf("ONLINE"))).not.toContain("OFFLINE");
  }
});

test("a reload of a page is seen by nobody, also when it comes back to another server", async () => {
  const all = await observers();
  const before = await comes(bob);
  for (const observed of all) await observed.sees(bob.id, { status: "ONLINE" });
  const told = all.map((observed) => observed.of(bob.id).length);
  before.cut();
  const between = await comes(bob.at(there));
  await between.close();
  await passes(3_000);
  await comes(bob);
  // Longer than the grace of what was closed, and than it takes to be told.
  await passes(7_000);
  expect(all.map((observed) => observed.of(bob.id).length)).toEqual(told);
});

test(
  "Redis that comes back empty has everybody again within 15 s, and nobody is told anything",
  { timeout: 60_000 },
  async () => {
    const all = await observers();
    await comes(bob, { device: "MOBILE" });
    const carols = await comes(carol.at(there));
    await carols.setPresence({ status: "BUSY", customStatus: "writing", currentRoomId: roomId });
    for (const observed of all) {
      await observed.sees(bob.id, { status: "ONLINE", devices: ["MOBILE"] });
      await observed.sees(carol.id, { status: "BUSY", customStatus: "writing", currentRoom: { id: roomId } });
    }
    const told = all.map((observed) => [observed.of(bob.id).length, observed.of(carol.id).length]);
    await redis.restart();
    const restartedAtMs = performance.now();
    await passes(15_000);
    for (const server of [here, there]) {
      const [bobs, carolsOwn] = await presenceOf(alice.at(server), [bob.id, carol.id]);
      expect(bobs).toMatchObject({ status: "ONLINE", devices: ["MOBILE"] });
      expect(carolsOwn).toMatchObject({ status: "BUSY", customStatus: "writing", currentRoom: { id: roomId } });
    }
    expect(all.map((observed) => [observed.of(bob.id).length, observed.of(carol.id).length])).toEqual(told);
    // And what happens from now on is told.
    await carols.setPresence({ status: "AWAY", customStatus: null });
    for (const observed of all) await observed.sees(carol.id, { status: "AWAY", customStatus: null });
    console.info(`All is told again ${Math.round(performance.now() - restartedAtMs)} ms after Redis came back empty`);
  },
);

test("Redis frozen for 10 s puts nobody OFFLINE, and is not waited for", { timeout: 60_000 }, async () => {
  const all = await observers();
  const bobs = await comes(bob, { device: "MOBILE" });
  await comes(carol.at(there));
  for (const observed of all) for (const { id } of [bob, carol]) await observed.sees(id, { status: "ONLINE" });
  const told = () => all.map((observed) => [observed.of(bob.id).length, observed.of(carol.id).length]);
  const before = told();
  redis.pause();
  const frozenAtMs = performance.now();
  try {
    await passes(5_000);
    const askedAtMs = performance.now();
    for (const server of [here, there])
      expect((await presenceOf(alice.at(server), [alice.id, bob.id, carol.id])).map(({ status }) => status)).toContain(
        "ONLINE",
      );
    expect(performance.now() - askedAtMs).toBeLessThan(5_000);
    await passes(10_000 - (performance.now() - frozenAtMs));
  } finally {
    redis.resume();
  }
  // Longer than a lease: whoever was to be ended by then has been.
  await passes(9_000);
  expect(told()).toEqual(before);
  for (const server of [here, there])
    expect(await presenceOf(alice.at(server), [bob.id, carol.id])).toMatchObject([
      { status: "ONLINE", devices: ["MOBILE"] },
      { status: "ONLINE" },
    ]);
  await bobs.setPresence({ status: "BUSY" });
  for (const observed of all) await observed.sees(bob.id, { status: "BUSY" });
});

test(
  "what happens while Redis is away counts here at once, and there once it is back",
  { timeout: 60_000 },
  async () => {
    const near = await comes(alice);
    const far = await comes(alice.at(there));
    const [ofNear, ofFar] = [near.presence({ roomId }), far.presence({ roomId })];
    for (const observed of [ofNear, ofFar]) await observed.next();
    await redis.kill();
    await comes(bob);
    await ofNear.sees(bob.id, { status: "ONLINE" });
    await bob.mutate("setPresence", { customStatus: "while it was away" });
    await ofNear.sees(bob.id, { customStatus: "while it was away" });
    expect(ofFar.of(bob.id).map(({ status }) => status)).toEqual(["OFFLINE"]);
    await redis.restart();
    await ofFar.sees(bob.id, { status: "ONLINE", customStatus: "while it was away" }, 20_000);
  },
);

test("a wall clock that jumps puts nobody OFFLINE and ends nothing of the sessions", { timeout: 60_000 }, async () => {
  const all = await observers();
  await comes(bob);
  const carols = await comes(carol.at(there));
  for (const observed of all) for (const { id } of [bob, carol]) await observed.sees(id, { status: "ONLINE" });
  const told = all.map((observed) => [devicesOf(observed, bob).length, devicesOf(observed, carol).length]);
  for (const aheadMs of [86_400_000, -86_400_000, 0]) {
    clock.aheadMs = aheadMs;
    await passes(4_000);
  }
  expect(all.map((observed) => [devicesOf(observed, bob).length, devicesOf(observed, carol).length])).toEqual(told);
  clock.aheadMs = 86_400_000;
  await carols.close();
  for (const observed of all) {
    const { lastSeen } = await observed.sees(carol.id, { status: "OFFLINE" }, 15_000);
    // By the clock that all nodes share.
    expect(Math.abs(Date.parse(lastSeen!) - Date.now())).toBeLessThan(10_000);
  }
});
