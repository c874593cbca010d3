import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { bucketCount } from "../../src/live/presence-board.keys.ts";
import { defaultBoardTimings } from "../../src/live/presence-board.ts";
import { startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { openNode, patient, session } from "./presence-board-backends.ts";
import { ManualClock } from "./presence-board-clocks.ts";

const { renewEveryMs, compareEveryMs } = defaultBoardTimings;
const minuteMs = 60_000;

test("a minute of idle connections costs a renewal an interval and a comparison of each bucket, however many they are", async () => {
  const counts: number[] = [];
  for (const connections of [1, 1_000, 4_000]) {
    await using redis = await startRedis();
    const counted = await countIdleMinute(redis, connections);
    console.info(`Redis commands in a minute of ${connections} idle connections: ${JSON.stringify(counted)}`);
    counts.push(counted.evalsha! + counted.mget!);
    expect(counted.evalsha).toBe(minuteMs / renewEveryMs);
    expect(Object.keys(counted).sort()).toEqual(["evalsha", "mget"]);
  }
  const rounds = minuteMs / compareEveryMs;
  // One connection is in one bucket; very many are in each.
  expect(counts).toEqual([1, bucketCount, bucketCount].map((buckets) => minuteMs / renewEveryMs + rounds * buckets));
});

/** What the presence board asks Redis for, by the clock that is moved here; without what the scripts do within. */
async function countIdleMinute(redis: TestRedis, connections: number): Promise<Record<string, number>> {
  const clock = new ManualClock();
  await using node = await openNode(redis.url, {
    clock,
    timings: { leaseMs: 600_000, answerWithinMs: 600_000 },
    redisTimings: patient,
  });
  for (let opened = 0; opened < connections; opened += 1) node.board.open(session(randomUUID()));
  await until("all is written", () => node.board.stats.unwrittenNow === 0);
  const before = await commandCounts(redis);
  const stepMs = 500;
  for (let passedMs = 0; passedMs < minuteMs; passedMs += stepMs) {
    clock.advance(stepMs);
    // Everything that was asked has been answered: nothing is left out because the last was under way.
    await until("all is answered", async () => {
      const seen = await commandCounts(redis);
      await new Promise((resolve) => setImmediate(resolve));
      return JSON.stringify(seen) === JSON.stringify(await commandCounts(redis));
    });
  }
  const after = await commandCounts(redis);
  const differences = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, count]) => count > 0));
}

/** Of the commands that only the board sends here, and not a script. */
async function commandCounts(redis: TestRedis): Promise<Record<string, number>> {
  const text = String(await redis.command("info", "commandstats"));
  const found = text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g);
  const counts = [...found].map(([, name, calls]): [string, number] => [name!, Number(calls)]);
  return Object.fromEntries(counts.filter(([name]) => !byOthers.has(name)));
}

/** Of the connections themselves, of this test, and what the scripts of the lease do. */
const byOthers = new Set([
  ..."ping info client|setname client|setinfo select command config|get subscribe unsubscribe publish".split(" "),
  ..."time zrangebyscore zadd zscore hset hget pexpire".split(" "),
]);
