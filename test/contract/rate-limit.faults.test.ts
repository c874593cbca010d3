import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { redisTimings } from "../../src/live/redis.ts";
import { startRedis, startRedisSentinel, type TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { openNode } from "./rate-limit-backends.ts";

const rates = { slow: { perSecond: 0.1, burst: 30 } };
type Node = Awaited<ReturnType<typeof openNode>>;
let keys = 0;

/** Of so many calls at once, how many are let through and how long the slowest answer took. */
async function takeAtOnce({ limit }: Node, count: number, key: string) {
  const beganMs = performance.now();
  const waits = await Promise.all(Array.from({ length: count }, async () => limit.take("slow", key)));
  return { done: waits.filter((waitMs) => waitMs === 0).length, tookMs: performance.now() - beganMs };
}

/** Whether the nodes count together. */
async function countTogether(one: Node, two: Node): Promise<boolean> {
  const key = `together ${(keys += 1)}`;
  const first = await takeAtOnce(one, 30, key);
  const second = await takeAtOnce(two, 30, key);
  return first.done + second.done <= 35;
}

describe("The rate limit while Redis is away", () => {
  let redis: TestRedis;
  let one: Node;
  let two: Node;
  beforeEach(async () => {
    redis = await startRedis();
    [one, two] = await Promise.all([openNode(redis.url, rates), openNode(redis.url, rates)]);
  });
  afterEach(async () => {
    one.close();
    two.close();
    await redis.close();
  });

  test("who does little costs Redis nothing", async () => {
    const { done } = await takeAtOnce(one, 5, "quiet");
    expect(done).toBe(5);
    expect(String(await redis.command("info", "commandstats"))).not.toContain("cmdstat_eval");
    await takeAtOnce(one, 1, "quiet");
    expect(String(await redis.command("info", "commandstats"))).toContain("cmdstat_eval");
  });

  test("a Redis that does not answer delays by its deadline at most, and opens nothing", async () => {
    redis.pause();
    const first = await takeAtOnce(one, 100, "alice");
    expect(first.done).toBe(30);
    expect(first.tookMs).toBeLessThan(redisTimings.deadlineMs + 500);
    const next = await takeAtOnce(one, 100, "bob");
    expect(next.done).toBe(30);
    expect(next.tookMs).toBeLessThan(100);
    redis.resume();
    await until("the nodes count together again", () => countTogether(one, two));
  });

  test("a Redis that was killed delays nothing, opens nothing, and counts for all nodes when it is back", async () => {
    await redis.kill();
    await until("it is known", async () => (await takeAtOnce(one, 30, `known ${(keys += 1)}`)).tookMs < 50);
    const { done, tookMs } = await takeAtOnce(one, 100, "alice");
    expect(done).toBe(30);
    expect(tookMs).toBeLessThan(100);
    await redis.restart();
    await until("the nodes count together again", () => countTogether(one, two));
  });
});

test("the rate limit goes over to the replica when Sentinel does", async () => {
  await using sentinel = await startRedisSentinel();
  const nodes = await Promise.all([openNode(sentinel.url, rates), openNode(sentinel.url, rates)]);
  expect(await countTogether(...nodes)).toBe(true);
  await sentinel.master.kill();
  expect((await takeAtOnce(nodes[0], 100, "alice")).done).toBe(30);
  await until("the nodes count together again", () => countTogether(...nodes));
  for (const node of nodes) node.close();
});
