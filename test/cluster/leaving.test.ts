import { afterAll, beforeAll, expect, test } from "vitest";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { passes } from "../support/presence.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { TestUser } from "../support/user.ts";

const leaveWithinMs = 15_000;

let database: TestPostgres;
let redis: TestRedis;
let node: ServerProcess;

beforeAll(async () => {
  database = await startPostgres();
  redis = await startRedis();
  node = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url });
});

afterAll(async () => {
  await node?.kill();
  await redis?.close();
  await database?.close();
});

/** How long the process takes to end, and with what. */
async function ends(ended: Promise<number | null>): Promise<{ code: number | null; ms: number }> {
  const beganMs = performance.now();
  const code = await ended;
  return { code, ms: performance.now() - beganMs };
}

test("asked to end, a node sends its clients away and ends with 0", async () => {
  await node.start();
  await using alice = await TestUser.open(node, "alice");
  const feed = alice.roomEvents(await alice.createRoom("Tea"));
  await feed.next();
  expect(await ends(node.stop())).toMatchObject({ code: 0 });
  await feed.end();
  expect(feed.errors).toMatchObject({ code: 1012, reason: "Restarting" });
});

test("a terminal's Ctrl-C that comes twice counts once", async () => {
  await node.start();
  process.kill(node.pid, "SIGINT");
  process.kill(node.pid, "SIGINT");
  expect((await ends(node.stop())).code).toBe(0);
});

test("it ends within 15 s, with 0, while neither Redis nor Postgres answers", async () => {
  await node.start();
  await using alice = await TestUser.open(node, "alice");
  const feed = alice.roomEvents(await alice.createRoom("Tea"));
  await feed.next();
  redis.pause();
  await database.pause();
  try {
    const { code, ms } = await ends(node.stop());
    expect(code).toBe(0);
    expect(ms).toBeLessThan(leaveWithinMs);
  } finally {
    redis.resume();
    database.resume();
  }
});

test("asked a second time, it ends at once", async () => {
  await node.start();
  redis.pause();
  try {
    const ended = ends(node.stop());
    await passes(600);
    // Without this it waits for Redis longer, and ends with 0.
    process.kill(node.pid, "SIGTERM");
    expect((await ended).code).toBe(1);
  } finally {
    redis.resume();
  }
});
