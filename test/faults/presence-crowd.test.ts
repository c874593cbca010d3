import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { inLanes } from "../support/lanes.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { TestDevice, type Observed } from "../support/presence.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { openSql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

// Two server processes on one Redis and one Postgres; one of the two is this process.
const memberCount = 1_000;
const maxFramesPerSecond = 5;

let redis: TestRedis;
let database: TestDatabase;
let here: TestApp;
let there: ServerProcess;
let alice: TestUser;
let others: TestUser[];
let roomId: string;

beforeAll(async () => {
  redis = await startRedis();
  database = await createTestDatabase();
  there = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url });
  here = await startTestApp({ databaseUrl: database.url, env: { REDIS_URL: redis.url } });
  alice = await TestUser.open(here, "alice");
  const ids = Array.from({ length: memberCount - 1 }, (_, index) => `member-${index}`);
  await using sql = await openSql(database.url);
  await sql.rows("insert into users (id, name) select id, id from unnest($1::text[]) as u (id)", [ids]);
  others = await Promise.all(ids.map(async (id) => new TestUser({ id, url: there.url, token: await tokenOf(id) })));
  roomId = await alice.createRoom("Crowd", ids);
});

afterAll(async () => {
  await here?.close();
  await there?.[Symbol.asyncDispose]();
  await database?.close();
  await redis?.close();
});

test(
  `a room of ${memberCount} members who all come and go costs each follower at most ${maxFramesPerSecond} frames a second`,
  { timeout: 120_000 },
  async () => {
    const near = await TestDevice.open(alice);
    const far = await TestDevice.open(alice.at(there));
    const observed = [near.presence({ roomId }), far.presence({ roomId })];
    for (const each of observed) expect(await each.next()).toHaveLength(memberCount);

    const beganAtMs = performance.now();
    const devices: TestDevice[] = [];
    await inLanes(others, 20, async (user) => void devices.push(await TestDevice.open(user)));
    for (const each of observed) await allAre(each, "ONLINE");
    for (const device of devices) device.cut();
    for (const each of observed) await allAre(each, "OFFLINE");

    const seconds = (performance.now() - beganAtMs) / 1_000;
    const frames = observed.map((each) => each.lists.length - 1);
    console.info(`${memberCount - 1} come and go within ${seconds.toFixed(1)} s: ${frames.join(" and ")} frames`);
    for (const count of frames) expect(count).toBeLessThanOrEqual(Math.ceil(seconds * maxFramesPerSecond));
    // Each was told of twice.
    for (const each of observed) for (const { id } of others) expect(each.of(id).length).toBeLessThanOrEqual(1 + 2);
    for (const device of [near, far]) await device.close();
  },
);

async function allAre(observed: Observed, status: string): Promise<void> {
  await observed.received.until(() => {
    const { states } = observed;
    return others.every(({ id }) => states.get(id)?.status === status);
  }, 30_000);
}
