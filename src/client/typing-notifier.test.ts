import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { TypingNotifier, type TypingNotifierOptions } from "./typing-notifier.ts";

function setUp(send?: TypingNotifierOptions["send"], more: Partial<TypingNotifierOptions> = {}) {
  const clock = createFakeClock(0);
  const told: { isTyping: boolean; atMs: number }[] = [];
  const notifier = new TypingNotifier({
    clock,
    send: async (isTyping, signal) => {
      told.push({ isTyping, atMs: clock.now() });
      await send?.(isTyping, signal);
    },
    ...more,
  });
  notifier.start();
  return { clock, told, notifier };
}

describe("TypingNotifier", () => {
  it("tells the start at the first input and the stop 3 s after the last", async () => {
    const { clock, told, notifier } = setUp();
    notifier.input();
    await clock.advance(1_000);
    notifier.input();
    await clock.advance(10_000);
    expect(told).toEqual([
      { isTyping: true, atMs: 0 },
      { isTyping: false, atMs: 4_000 },
    ]);
    expect(clock.timers).toBe(0);
  });

  it("tells the start again at most every 2 s while there is input", async () => {
    const { clock, told, notifier } = setUp();
    for (let i = 0; i < 50; i++) {
      notifier.input();
      await clock.advance(100);
    }
    expect(told).toEqual([0, 2_000, 4_000].map((atMs) => ({ isTyping: true, atMs })));
  });

  it("keeps one timer however many keys are struck", async () => {
    const { clock, notifier } = setUp();
    for (let i = 0; i < 100; i++) {
      notifier.input();
      await clock.advance(1);
      expect(clock.timers).toBe(1);
    }
  });

  it("tells the stop at once when the text was sent, and typing after it within the 2 s a little later", async () => {
    const { clock, told, notifier } = setUp();
    notifier.input();
    await clock.advance(500);
    notifier.stop();
    await clock.advance(500);
    notifier.input();
    await clock.advance(10_000);
    expect(told).toEqual([
      { isTyping: true, atMs: 0 },
      { isTyping: false, atMs: 500 },
      { isTyping: true, atMs: 2_000 },
      { isTyping: false, atMs: 4_000 },
    ]);
  });

  it("tells no stop where no start was told", async () => {
    const { clock, told, notifier } = setUp();
    notifier.stop();
    notifier.dispose();
    await clock.advance(10_000);
    expect(told).toEqual([]);
  });

  it("repeats a stop that failed until it gets through", async () => {
    const errors: unknown[] = [];
    let failures = 2;
    const { clock, told, notifier } = setUp(
      (isTyping) => {
        if (!isTyping && failures-- > 0) throw new Error("offline");
      },
      { onError: (error) => errors.push(error), backoff: { random: () => 0.999 } },
    );
    notifier.input();
    await clock.advance(100);
    notifier.stop();
    await clock.advance(10_000);
    expect(told.map((call) => call.isTyping)).toEqual([true, false, false, false]);
    expect(errors).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });

  it("gives up repeating a stop when others have forgotten the start by themselves", async () => {
    const { clock, told, notifier } = setUp((isTyping) => {
      if (!isTyping) throw new Error("offline");
    });
    notifier.input();
    await clock.advance(60_000);
    expect(clock.timers).toBe(0);
    expect(told.at(-1)!.atMs).toBeLessThan(8_000);
  });

  it("never lets a stop overtake its start", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, told, notifier } = setUp((isTyping) => (isTyping ? promise : undefined));
    notifier.input();
    notifier.stop();
    await clock.advance(10);
    expect(told.map((call) => call.isTyping)).toEqual([true]);
    resolve();
    await clock.advance(10);
    expect(told.map((call) => call.isTyping)).toEqual([true, false]);
  });

  it("tells the stop also after a start that never got an answer", async () => {
    const { clock, told, notifier } = setUp((isTyping) => (isTyping ? new Promise(() => undefined) : undefined));
    notifier.input();
    await clock.advance(60_000);
    expect(told).toEqual([
      { isTyping: true, atMs: 0 },
      { isTyping: false, atMs: 5_000 },
    ]);
  });

  it("tells the stop when disposed of, also while a start is on its way, and leaves no timer", async () => {
    const { clock, told, notifier } = setUp((isTyping) => (isTyping ? new Promise(() => undefined) : undefined));
    notifier.input();
    notifier.dispose();
    expect(told.map((call) => call.isTyping)).toEqual([true, false]);
    notifier.input();
    await clock.advance(10_000);
    expect(told).toHaveLength(2);
    expect(clock.timers).toBe(0);
  });

  it("works again when started after it was disposed of", async () => {
    const { clock, told, notifier } = setUp();
    notifier.input();
    notifier.dispose();
    notifier.start();
    await clock.advance(2_000);
    notifier.input();
    await clock.advance(3_000);
    expect(told.map((call) => call.isTyping)).toEqual([true, false, true, false]);
  });

  it("ends with a stop whatever happens, with starts 2 s apart and calls one after the other", async () => {
    const aStep = fc.record({
      act: fc.constantFrom("input", "input", "stop", "wait"),
      waitMs: fc.integer({ min: 0, max: 3_500 }),
    });
    const anAnswer = fc.record({ ok: fc.boolean(), delayMs: fc.integer({ min: 0, max: 800 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { maxLength: 25 }), fc.infiniteStream(anAnswer), async (steps, answers) => {
        let open = 0;
        let mostOpen = 0;
        const delivered: { isTyping: boolean; atMs: number }[] = [];
        const { clock, told, notifier } = setUp((isTyping) => {
          mostOpen = Math.max(mostOpen, ++open);
          const { ok, delayMs } = answers.next().value;
          if (ok) delivered.push({ isTyping, atMs: clock.now() });
          return new Promise((resolve, reject) =>
            clock.setTimeout(() => {
              open--;
              if (ok) resolve();
              else reject(new Error("lost"));
            }, delayMs),
          );
        });
        for (const { act, waitMs } of steps) {
          if (act === "input") notifier.input();
          if (act === "stop") notifier.stop();
          await clock.advance(waitMs);
        }
        await clock.advance(30_000);
        const starts = told.filter((call) => call.isTyping).map((call) => call.atMs);
        for (let i = 1; i < starts.length; i++) expect(starts[i]! - starts[i - 1]!).toBeGreaterThanOrEqual(2_000);
        // The last word that got through is a stop, or a start that others have forgotten by themselves.
        const last = delivered.at(-1);
        if (last?.isTyping) expect(told.at(-1)!.atMs).toBeGreaterThanOrEqual(last.atMs + 3_000);
        expect(told.at(-1)?.isTyping ?? false).toBe(false);
        expect(mostOpen).toBeLessThanOrEqual(1);
        expect(clock.timers).toBe(0);
      }),
    );
  });
});
