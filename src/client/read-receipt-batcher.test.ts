import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { ReadReceiptBatcher, type ReadReceiptBatcherOptions } from "./read-receipt-batcher.ts";
import type { PlainOutcome } from "./send-outcome.ts";

type Answer = (ids: string[]) => Promise<PlainOutcome> | PlainOutcome;

function setUp(answer: Answer = () => ({ ok: true }), more: Partial<ReadReceiptBatcherOptions> = {}) {
  const clock = createFakeClock(0);
  const calls: { ids: string[]; atMs: number }[] = [];
  const givenUp: { ids: string[]; code: string }[] = [];
  const errors: unknown[] = [];
  const batcher = new ReadReceiptBatcher({
    clock,
    backoff: { random: () => 0.999 },
    send: async (ids) => {
      calls.push({ ids, atMs: clock.now() });
      return answer(ids);
    },
    onGivenUp: (ids, { code }) => givenUp.push({ ids, code }),
    onError: (error) => errors.push(error),
    ...more,
  });
  batcher.start();
  return { clock, calls, givenUp, errors, batcher };
}

const idsUpTo = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`);

describe("ReadReceiptBatcher", () => {
  it("sends the receipts of 500 ms in one call, each once", async () => {
    const { clock, calls, batcher } = setUp();
    batcher.add("a");
    await clock.advance(300);
    batcher.add("b");
    batcher.add("a");
    await clock.advance(199);
    expect(calls).toEqual([]);
    await clock.advance(1);
    expect(calls).toEqual([{ ids: ["a", "b"], atMs: 500 }]);
    batcher.add("b");
    await clock.advance(10_000);
    expect(calls).toHaveLength(1);
    expect(clock.timers).toBe(0);
  });

  it("sends at most 500 in one call, and the rest right after", async () => {
    const { clock, calls, batcher } = setUp();
    for (const id of idsUpTo(1_200)) batcher.add(id);
    await clock.advance(1_000);
    expect(calls.map((call) => call.ids.length)).toEqual([500, 500, 200]);
    expect(calls.flatMap((call) => call.ids)).toEqual(idsUpTo(1_200));
  });

  it("repeats a call that failed, with what came meanwhile, and loses none", async () => {
    let failures = 2;
    const { clock, calls, errors, batcher } = setUp(() => {
      if (failures-- > 0) throw new Error("offline");
      return { ok: true };
    });
    batcher.add("a");
    await clock.advance(600);
    batcher.add("b");
    await clock.advance(10_000);
    expect(calls.map((call) => call.ids)).toEqual([["a"], ["a", "b"], ["a", "b"]]);
    expect(errors).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });

  it("waits as long as the server asks for when it is limited", async () => {
    let isLimited = true;
    const { clock, calls, batcher } = setUp(() => {
      if (!isLimited) return { ok: true };
      isLimited = false;
      return { ok: false, code: "RATE_LIMITED", message: "Too many requests.", retryAfterMs: 7_000 };
    });
    batcher.add("a");
    await clock.advance(60_000);
    expect(calls.map((call) => call.atMs)).toEqual([500, 7_500]);
  });

  it("gives up what the server refuses for good, with its reason, and goes on with the rest", async () => {
    const { clock, calls, givenUp, batcher } = setUp((ids) =>
      ids.includes("bad") ? { ok: false, code: "INVALID", message: "Not in this room." } : { ok: true },
    );
    batcher.add("bad");
    await clock.advance(1_000);
    batcher.add("good");
    await clock.advance(10_000);
    expect(givenUp).toEqual([{ ids: ["bad"], code: "INVALID" }]);
    expect(calls.map((call) => call.ids)).toEqual([["bad"], ["good"]]);
  });

  it("loses none of those that the server would take with the one that it refuses", async () => {
    const read: string[] = [];
    const { clock, givenUp, batcher } = setUp((ids) => {
      if (ids.includes("m7")) return { ok: false, code: "INVALID", message: "Not in this room." };
      read.push(...ids);
      return { ok: true };
    });
    for (const id of idsUpTo(500)) batcher.add(id);
    await clock.advance(500);
    expect(givenUp).toEqual([{ ids: ["m7"], code: "INVALID" }]);
    expect(read).toEqual(idsUpTo(500).filter((id) => id !== "m7"));
    expect(batcher.waiting).toBe(0);
  });

  it("keeps what a limit leaves of a refused call, and sends it later", async () => {
    const read: string[] = [];
    let calls = 0;
    const { clock, givenUp, batcher } = setUp((ids) => {
      if (++calls === 3) return { ok: false, code: "RATE_LIMITED", message: "Too many requests." };
      if (ids.includes("m3")) return { ok: false, code: "INVALID", message: "Not in this room." };
      read.push(...ids);
      return { ok: true };
    });
    for (const id of idsUpTo(4)) batcher.add(id);
    await clock.advance(500);
    expect(batcher.waiting).toBe(2);
    await clock.advance(60_000);
    expect(givenUp).toEqual([{ ids: ["m3"], code: "INVALID" }]);
    expect(read).toEqual(["m0", "m1", "m2"]);
  });

  it("sends again what the server's log has lost, once that is known", async () => {
    const { clock, calls, batcher } = setUp();
    batcher.add("a");
    await clock.advance(500);
    batcher.forgetSent();
    batcher.add("a");
    await clock.advance(500);
    expect(calls.map((call) => call.ids)).toEqual([["a"], ["a"]]);
  });

  it("repeats a call that gets no answer", async () => {
    let isSilent = true;
    const { clock, calls, batcher } = setUp(async () => {
      if (!isSilent) return { ok: true };
      isSilent = false;
      return new Promise<never>(() => undefined);
    });
    batcher.add("a");
    await clock.advance(120_000);
    expect(calls).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });

  it("lets at most so many wait and gives up the oldest beyond", async () => {
    const { clock, calls, givenUp, batcher } = setUp(undefined, { maxPending: 2 });
    for (const id of ["a", "b", "c"]) batcher.add(id);
    expect(givenUp).toEqual([{ ids: ["a"], code: "TOO_MANY_PENDING" }]);
    await clock.advance(500);
    expect(calls[0]!.ids).toEqual(["b", "c"]);
  });

  it("sends what waits when disposed of, at once, and resolves when that is done", async () => {
    const { clock, calls, batcher } = setUp();
    for (const id of idsUpTo(700)) batcher.add(id);
    const done = batcher.dispose();
    expect(calls.map((call) => call.ids.length)).toEqual([500, 200]);
    await done;
    expect(clock.timers).toBe(0);
    await clock.advance(10_000);
    expect(calls).toHaveLength(2);
  });

  it("sends nothing twice when disposed of during a call", async () => {
    const { promise, resolve } = Promise.withResolvers<PlainOutcome>();
    const { clock, calls, batcher } = setUp((ids) => (ids.includes("a") ? promise : { ok: true }));
    batcher.add("a");
    await clock.advance(500);
    batcher.add("b");
    const done = batcher.dispose();
    expect(calls.map((call) => call.ids)).toEqual([["a"], ["b"]]);
    resolve({ ok: true });
    await done;
    expect(clock.timers).toBe(0);
  });

  it("delivers every receipt whatever fails, in calls of at most the limit, one at a time", async () => {
    const anAnswer = fc.constantFrom("ok", "ok", "lost before", "lost after", "limited");
    const aStep = fc.record({
      ids: fc.array(fc.integer({ min: 0, max: 40 })),
      waitMs: fc.integer({ min: 0, max: 900 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(aStep, { maxLength: 15 }),
        fc.array(anAnswer, { maxLength: 12 }),
        async (steps, answers) => {
          const read = new Set<string>();
          let open = 0;
          let mostOpen = 0;
          const left = [...answers];
          const { clock, calls, batcher } = setUp(
            async (ids): Promise<PlainOutcome> => {
              mostOpen = Math.max(mostOpen, ++open);
              await Promise.resolve();
              open--;
              const answer = left.shift() ?? "ok";
              if (answer === "lost before") throw new Error("lost");
              if (answer === "limited") return { ok: false, code: "RATE_LIMITED", message: "Too many requests." };
              for (const id of ids) read.add(id);
              if (answer === "lost after") throw new Error("lost");
              return { ok: true };
            },
            { maxIdsPerCall: 7 },
          );
          for (const { ids, waitMs } of steps) {
            for (const id of ids) batcher.add(String(id));
            await clock.advance(waitMs);
          }
          await clock.advance(600_000);
          expect([...read].sort()).toEqual([...new Set(steps.flatMap((step) => step.ids.map(String)))].sort());
          expect(mostOpen).toBeLessThanOrEqual(1);
          for (const { ids } of calls) expect(ids.length).toBeLessThanOrEqual(7);
          expect(clock.timers).toBe(0);
        },
      ),
    );
  });
});
