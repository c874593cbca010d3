import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { bucketKeys, bucketOf } from "../../src/live/presence-board.keys.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { passes, TestDevice } from "../support/presence.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { TestUser } from "../support/user.ts";

// Guarantee 7 through the API: two server processes on one Redis and one Postgres, with the times of the product.
const crowdSize = 20;
/** Whose dead sessions a node ends at the same time. */
const bucketsAtOnce = 8;

let redis: TestRedis;
let database: TestDatabase;
let node: ServerProcess;
let other: ServerProcess;
let alice: TestUser;
let crowd: TestUser[];
let roomId: string;
let count = 0;
const devices: TestDevice[] = [];

beforeAll(async () => {
  redis = await startRedis();
  database = await createTestDatabase();
  const options = { databaseUrl: database.url, redisUrl: redis.url };
  node = await startServerProcess(options);
  other = await startServerProcess(options);
});

beforeEach(async () => {
  await other.start();
  count += 1;
  alice = await TestUser.open(node, `alice-${count}`);
  crowd = [];
  for (let index = 0; index < crowdSize; index += 1)
    crowd.push(await TestUser.open(other, `crowd-${count}-${index}`, { name: `User ${index}` }));
  roomId = await alice.createRoom(
    "Crowd",
    crowd.map(({ id }) => id),
  );
});

afterEach(() => {
  for (const device of devices.splice(0)) device.cut();
});

afterAll(async () => {
  await node?.[Symbol.asyncDispose]();
  await other?.[Symbol.asyncDispose]();
  await database?.close();
  await redis?.close();
});

async function comes(user: TestUser, options?: { retryAttempts?: number }): Promise<TestDevice> {
  const device = await TestDevice.open(user, {}, options);
  devices.push(device);
  return device;
}

/** Alice at the node that stays, and the crowd at the other, all of it seen. */
async function watchCrowd(options?: { retryAttempts?: number }) {
  for (const user of crowd) await comes(user, options);
  const alices = await comes(alice);
  await using stack = new AsyncDisposableStack();
  const observed = stack.use(alices.presence({ roomId }));
  for (const { id } of crowd) await observed.sees(id, { status: "ONLINE" });
  const held = stack.move();
  return { alices, observed, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

test("a node killed with -9 has its users OFFLINE for everybody within 15 s", { timeout: 60_000 }, async () => {
  await using watched = await watchCrowd();
  await using byUsers = watched.alices.presence({ userIds: crowd.map(({ id }) => id) });
  await byUsers.next();
  await other.kill();
  const killedAtMs = performance.now();
  const killedAt = Date.now();
  for (const observed of [watched.observed, byUsers]) {
    for (const { id } of crowd) {
      const state = await observed.sees(
        id,
        { status: "OFFLINE", devices: [] },
        15_000 - (performance.now() - killedAtMs),
      );
      // Seen until the node gave its last sign of life.
      expect(Math.abs(Date.parse(state.lastSeen!) - killedAt)).toBeLessThan(5_000);
    }
  }
  console.info(
    `Users of a killed node: seen OFFLINE through the API after ${Math.round(performance.now() - killedAtMs)} ms`,
  );
  for (const { id } of crowd) {
    const told = watched.observed.of(id).map(({ status }) => status);
    expect(told.slice(told.indexOf("ONLINE"))).toEqual(["ONLINE", "OFFLINE"]);
  }
});

test("who is on two nodes stays ONLINE when one of them is killed", { timeout: 60_000 }, async () => {
  const [both, only] = crowd as [TestUser, TestUser];
  await comes(both);
  await comes(only);
  await comes(both.at(node));
  const alices = await comes(alice);
  await using observed = alices.presence({ userIds: [both.id, only.id] });
  for (const { id } of [both, only]) await observed.sees(id, { status: "ONLINE" });
  await other.kill();
  await observed.sees(only.id, { status: "OFFLINE" }, 15_000);
  expect(observed.of(both.id).map(({ status }) => status)).toEqual(["ONLINE"]);
});

test("a node that was frozen for 20 s has its users back once it goes on", { timeout: 90_000 }, async () => {
  await using watched = await watchCrowd({ retryAttempts: 5 });
  other.pause();
  const frozenAtMs = performance.now();
  for (const { id } of crowd) await watched.observed.sees(id, { status: "OFFLINE" }, 15_000);
  await passes(20_000 - (performance.now() - frozenAtMs));
  other.resume();
  const resumedAtMs = performance.now();
  for (const { id } of crowd) await watched.observed.sees(id, { status: "ONLINE" }, 15_000);
  console.info(`Users of a node frozen for 20 s: ONLINE again after ${Math.round(performance.now() - resumedAtMs)} ms`);
  await passes(8_000);
  for (const { id } of crowd) expect(watched.observed.states.get(id)).toMatchObject({ status: "ONLINE" });
});

test(
  "a frozen node that goes on while another is half-way through ending its sessions has all of its users back",
  { timeout: 90_000 },
  async () => {
    await using watched = await watchCrowd({ retryAttempts: 5 });
    const { observed } = watched;
    const isOffline = ({ id }: TestUser) => observed.states.get(id)?.status === "OFFLINE";
    // Buckets are ended in their order, and no further than to one where that fails.
    const stuck = emptyBucketAmid([alice, ...crowd]);
    await redis.command("set", bucketKeys.epochs(stuck), "not a set");
    try {
      other.pause();
      const before = crowd.filter(({ id }) => bucketOf(id) < stuck);
      for (const { id } of before) await observed.sees(id, { status: "OFFLINE" }, 15_000);
      // Those right behind it may have been under way.
      const behind = crowd.filter(({ id }) => bucketOf(id) > stuck + bucketsAtOnce);
      expect(behind.length).toBeGreaterThan(0);
      expect(behind.filter(isOffline)).toEqual([]);
      const told = behind.map(({ id }) => observed.of(id).length);
      other.resume();
      for (const { id } of crowd) await observed.sees(id, { status: "ONLINE" }, 15_000);
      expect(behind.map(({ id }) => observed.of(id).length)).toEqual(told);
    } finally {
      other.resume();
      await redis.command("del", bucketKeys.epochs(stuck));
    }
    // Now the ending goes on, and takes nothing with it that was claimed again.
    await passes(5_000);
    expect(crowd.filter(isOffline)).toEqual([]);
  },
);

/** Many have their users before it, and many behind it. */
function emptyBucketAmid(users: TestUser[]): number {
  const taken = users.map(({ id }) => bucketOf(id)).toSorted((low, high) => low - high);
  let bucket = taken[Math.floor(taken.length / 3)]!;
  while (taken.includes(bucket)) bucket += 1;
  return bucket;
}

test("typing ends after 5 s on every node though the typist's node was killed", { timeout: 60_000 }, async () => {
  const [typist] = crowd as [TestUser];
  const typists = (await comes(alice)).typing(roomId);
  await typists.next();
  const device = await comes(typist);
  await device.setTyping(roomId, true);
  await typists.are([typist.id]);
  const seenAtMs = performance.now();
  await other.kill();
  await typists.are([], 6_000);
  console.info(`Typing of a killed node's user: ended after ${Math.round(performance.now() - seenAtMs)} ms`);
});
