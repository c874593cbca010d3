import type { Clock } from "../../src/client/clock.ts";

/** A clock for tests: time stands still until `advance` moves it. */
export interface FakeClock extends Clock {
  /** Moves time on and runs what is due, in order of time, with everything that follows of itself after each timer. */
  advance(ms: number): Promise<void>;
  /** How many timers are set: 0 after everything was disposed of. */
  readonly timers: number;
}

export function createFakeClock(startMs = 1_750_000_000_000): FakeClock {
  let nowMs = startMs;
  let nextId = 1;
  const timers = new Map<number, { atMs: number; work: () => void }>();

  function takeDue(untilMs: number) {
    const due = [...timers].filter(([, timer]) => timer.atMs <= untilMs);
    const first = due.reduce((a, b) => (b[1].atMs < a[1].atMs ? b : a), due[0]!);
    if (first) timers.delete(first[0]);
    return first?.[1];
  }

  return {
    now: () => nowMs,
    setTimeout(work, delayMs) {
      timers.set(nextId, { atMs: nowMs + Math.max(0, delayMs), work });
      return nextId++;
    },
    clearTimeout: (handle) => void timers.delete(handle as number),
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settled();
      for (let timer = takeDue(untilMs); timer; timer = takeDue(untilMs)) {
        nowMs = timer.atMs;
        timer.work();
        await settled();
      }
      nowMs = untilMs;
    },
    get timers() {
      return timers.size;
    },
  };
}

/** Lets every promise that can go on without time or input go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
