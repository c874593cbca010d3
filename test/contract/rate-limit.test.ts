import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RateLimit } from "../../src/live/rate-limit.ts";
import { backends, type RateLimitBackend } from "./rate-limit-backends.ts";

const rates = {
  /** So slow that a test sees nothing of it. */
  slow: { perSecond: 0.1, burst: 30 },
  other: { perSecond: 0.1, burst: 3 },
  quick: { perSecond: 50, burst: 50 },
};

describe.each(Object.keys(backends))("The rate limit over %s", (kind) => {
  let backend: RateLimitBackend;
  let nodes: Awaited<ReturnType<RateLimitBackend["open"]>>;
  let here: RateLimit;
  let there: RateLimit;
  let keys = 0;
  /** Each test has keys of its own. */
  const newKey = () => `user ${(keys += 1)}: {é}*\n`;

  beforeAll(async () => {
    backend = await backends[kind]!();
    nodes = await backend.open(rates, 2);
    [here, there] = nodes as unknown as [RateLimit, RateLimit];
  });
  afterAll(async () => {
    await nodes[Symbol.asyncDispose]();
    await backend[Symbol.asyncDispose]();
  });

  test("a burst is let through at once, and what is too many is told when to come back", async () => {
    const key = newKey();
    const waits = await Promise.all(Array.from({ length: 40 }, async () => here.take("slow", key)));
    expect(waits.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 0));
    for (const waitMs of waits.slice(30)) {
      expect(waitMs).toBeGreaterThan(0);
      expect(waitMs).toBeLessThanOrEqual(10_000);
    }
  });

  test("who comes back when told is let through", async () => {
    const key = newKey();
    for (let round = 0; round < 5; round++) {
      let waitMs = 0;
      while ((waitMs = await here.take("quick", key)) === 0);
      await setTimeout(waitMs + 1);
      expect(await here.take("quick", key)).toBe(0);
    }
  });

  test("in the long run a key does no more than its rate", async () => {
    const key = newKey();
    const beganMs = performance.now();
    let done = 0;
    while (performance.now() - beganMs < 500) {
      if ((await here.take("quick", key)) === 0) done += 1;
      else await setTimeout(1);
    }
    const { perSecond, burst } = rates.quick;
    expect(done).toBeLessThanOrEqual(burst + 1 + ((performance.now() - beganMs) / 1_000) * perSecond);
    expect(done).toBeGreaterThan(burst);
  });

  test("what was refused is not counted", async () => {
    const key = newKey();
    for (let count = 0; count < 30; count++) await here.take("slow", key);
    for (let count = 0; count < 200; count++) expect(await here.take("slow", key)).toBeGreaterThan(0);
    expect(await here.take("slow", key)).toBeLessThanOrEqual(10_000);
  });

  test("keys and operations are limited apart", async () => {
    const [one, two] = [newKey(), newKey()];
    for (let count = 0; count < 3; count++) expect(await here.take("other", one)).toBe(0);
    expect(await here.take("other", one)).toBeGreaterThan(0);
    expect(await here.take("other", two)).toBe(0);
    expect(await here.take("slow", one)).toBe(0);
  });

  test("nodes together let through a burst, and at most a sixth of it more on each other node", async () => {
    const key = newKey();
    let done = 0;
    for (let count = 0; count < 60; count++) {
      for (const node of [here, there]) if ((await node.take("slow", key)) === 0) done += 1;
    }
    expect(done).toBeGreaterThanOrEqual(30);
    expect(done).toBeLessThanOrEqual(35);
  });

  test("answers come in the order of the calls", async () => {
    const key = newKey();
    const order: number[] = [];
    const answers = Array.from({ length: 100 }, async (_, index) => {
      const waitMs = await here.take("slow", key);
      if (waitMs === 0) order.push(index);
    });
    await Promise.all(answers);
    expect(order).toEqual(Array.from({ length: 30 }, (_, index) => index));
  });

  test("a burst that is over in less than a second is a mistake", async () => {
    await expect(backend.open({ tiny: { perSecond: 2, burst: 1 } }, 1)).rejects.toThrow(TypeError);
  });

  test("an operation without a rate is a mistake", () => {
    expect(() => here.take("unknown", "key")).toThrow(TypeError);
  });
});
