import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRedisBus } from "../../src/live/bus.redis.ts";
import type { Bus } from "../../src/live/bus.ts";
import { freePort } from "../support/redis-server.ts";
import { startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { listen, silent, subscribed, watch } from "./bus-backends.ts";

describe("The bus when one Redis fails", () => {
  let redis: TestRedis;
  let here: Bus;
  let there: Bus;
  const unhandled: unknown[] = [];
  const keep = (reason: unknown) => void unhandled.push(reason);

  beforeEach(async () => {
    unhandled.length = 0;
    process.on("unhandledRejection", keep);
    redis = await startRedis();
    here = await openRedisBus({ url: redis.url, log: silent });
    there = await openRedisBus({ url: redis.url, log: silent });
  });
  afterEach(async () => {
    await Promise.all([here, there].map((bus) => bus.close()));
    await redis.close();
    process.off("unhandledRejection", keep);
    // Each of them would have ended the process.
    expect(unhandled).toEqual([]);
  });

  test("after Redis was killed and started again everything is heard as before, also what was subscribed meanwhile", async () => {
    const before = listen(there, "room:before");
    const closedMeanwhile = listen(there, "room:closed");
    await Promise.all([before.subscription.acknowledged, closedMeanwhile.subscription.acknowledged]);
    const { states, recoveries } = watch(there);

    await redis.kill();
    await until("both know", () => !here.up && !there.up);
    expect(await here.publish("room:before", "lost")).toBe(false);
    const meanwhile = listen(there, "room:meanwhile");
    expect(await meanwhile.subscription.acknowledged).toBe(false);
    await closedMeanwhile.subscription.close();
    expect(recoveries()).toBe(0);

    await redis.restart();
    await until("both have recovered", () => recoveries() === 1 && here.up);
    expect(states).toEqual([false, true]);
    expect(await listen(there, "room:meanwhile").subscription.acknowledged).toBe(true);
    expect(await here.publish("room:before", "one")).toBe(true);
    expect(await here.publish("room:meanwhile", "two")).toBe(true);
    await until("both are heard", () => before.heard.length === 1 && meanwhile.heard.length === 1);
    expect([before.heard, meanwhile.heard]).toEqual([["one"], ["two"]]);
    expect(await subscribed([redis], "room:closed")).toBe(0);
  });

  test("a Redis that hangs is found within 2 s, and recovered from when it goes on", async () => {
    const { heard, subscription } = listen(there, "room:1");
    await subscription.acknowledged;
    const { recoveries } = watch(there);

    redis.pause();
    const pausedAtMs = performance.now();
    const handedOver = here.publish("room:1", "into the void");
    const acknowledged = listen(there, "room:2").subscription.acknowledged;
    await until("both know", () => !here.up && !there.up);
    expect(await handedOver).toBe(false);
    expect(await acknowledged).toBe(false);
    expect(performance.now() - pausedAtMs).toBeLessThan(2_000);

    redis.resume();
    await until("both have recovered", () => recoveries() === 1 && here.up);
    heard.length = 0;
    expect(await here.publish("room:1", "again")).toBe(true);
    await until("it is heard", () => heard.includes("again"));
  });

  test("a subscriber whose connection is killed recovers by itself", async () => {
    const { heard, subscription } = listen(there, "room:1");
    await subscription.acknowledged;
    const { states, recoveries } = watch(there);
    expect(await redis.command("client", "kill", "type", "pubsub")).toBe(1);
    await until("it has recovered", () => recoveries() === 1);
    expect(states).toEqual([false, true]);
    expect(await here.publish("room:1", "again")).toBe(true);
    await until("it is heard", () => heard.length === 1);
  });

  test("a subscriber that Redis drops for its output buffer recovers, with all of its channels", async () => {
    const channels = Array.from({ length: 1_200 }, (_, index) => `room:${index}`);
    const listeners = channels.map((channel) => listen(there, channel));
    const acknowledged = await Promise.all(listeners.map(({ subscription }) => subscription.acknowledged));
    expect(acknowledged.every(Boolean)).toBe(true);
    const { recoveries } = watch(there);

    await redis.command("config", "set", "client-output-buffer-limit", "pubsub 1mb 0 0");
    // A script runs to its end before Redis writes anything: 10 MB pile up at once.
    const flood = "for i = 1, 100 do redis.call('publish', ARGV[1], string.rep('x', 100000)) end";
    await redis.command("eval", flood, 0, channels[0]!);
    await until("it has recovered", () => recoveries() === 1);
    await Promise.all(channels.map((channel) => here.publish(channel, "again")));
    await until("all hear", () => listeners.every(({ heard }) => heard.at(-1) === "again"));
  });

  test("subscriptions and a bus that are closed while Redis is down leave nothing behind", async () => {
    const acknowledgedBefore = listen(there, "room:1");
    await acknowledgedBefore.subscription.acknowledged;
    redis.pause();
    const inFlight = listen(there, "room:2");
    await Promise.all([acknowledgedBefore, inFlight].map(({ subscription }) => subscription.close()));
    await redis.kill();
    await until("it knows", () => !there.up);
    const whileDown = listen(there, "room:3");
    await whileDown.subscription.close();
    await listen(here, "room:4").subscription.acknowledged;
    await here.close();
    await redis.restart();
    await until("it is up again", () => there.up);
    expect(await redis.command("pubsub", "channels")).toEqual([]);
    expect(here.up).toBe(false);
  });

  test("memory stays flat under 100,000 publications while Redis is down", async () => {
    await redis.kill();
    await until("it knows", () => !here.up);
    await expectFlatMemory(here);
  });

  test("memory stays bounded under 100,000 publications into a connection that is dead and nobody knows yet", async () => {
    redis.pause();
    await expectFlatMemory(here);
  });

  test("what would exceed 16 MiB under way is not handed over, and does not wait for the deadline", async () => {
    redis.pause();
    const text = "x".repeat(200_000);
    const publications = Array.from({ length: 100 }, () => here.publish("room:1", text));
    const order: string[] = [];
    await Promise.all([
      publications[0]!.then((handedOver) => order.push(`first ${handedOver}`)),
      publications[99]!.then((handedOver) => order.push(`last ${handedOver}`)),
    ]);
    expect(order).toEqual(["last false", "first false"]);
  });
});

describe("The bus when Redis is not there at the start", () => {
  test("opens within 2 s, is down, and recovers when Redis comes", async () => {
    const port = await freePort();
    const startedAtMs = performance.now();
    await using bus = await openRedisBus({ url: `redis://127.0.0.1:${port}`, log: silent });
    expect(performance.now() - startedAtMs).toBeLessThan(2_500);
    expect(bus.up).toBe(false);
    const { recoveries } = watch(bus);
    const { heard, subscription } = listen(bus, "room:1");
    expect(await subscription.acknowledged).toBe(false);
    await using redis = await startRedis({ port });
    await until("it has recovered", () => recoveries() === 1);
    expect(await subscribed([redis], "room:1")).toBe(1);
    expect(await bus.publish("room:1", "hello")).toBe(true);
    await until("it is heard", () => heard.length === 1);
  });

  test("a wrong password is said in the log, and a right one opens", async () => {
    await using redis = await startRedis();
    await redis.command("config", "set", "requirepass", "p@ss/word");
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) });
    const timings = { deadlineMs: 200 };
    await using wrong = await openRedisBus({ url: `redis://:wrong@127.0.0.1:${redis.port}`, log, timings });
    expect(wrong.up).toBe(false);
    expect(lines.join()).toContain("WRONGPASS");
    await using right = await openRedisBus({ url: `redis://:p%40ss%2Fword@127.0.0.1:${redis.port}`, log: silent });
    expect(right.up).toBe(true);
  });
});

/** About 300 bytes each; none is handed over. */
async function expectFlatMemory(bus: Bus): Promise<void> {
  const text = "x".repeat(300);
  const batch = () => Promise.all(Array.from({ length: 10_000 }, () => bus.publish("room:1", text)));
  await batch();
  const bytesBefore = usedBytes();
  let handedOver = 0;
  for (let round = 0; round < 10; round += 1) handedOver += (await batch()).filter(Boolean).length;
  expect(handedOver).toBe(0);
  expect(usedBytes() - bytesBefore).toBeLessThan(8 * 1024 * 1024);
}

function usedBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
