/** Time as the kit sees it; tests put a fake in its place. `now` is in milliseconds since 1970. */
export interface Clock {
  now(): number;
  /** Runs `work` once, not before `delayMs` have passed. */
  setTimeout(work: () => void, delayMs: number): unknown;
  clearTimeout(handle: unknown): void;
}

/** Timers of browsers and Node fire at once beyond this delay instead of late. */
const maxTimerMs = 2 ** 31 - 1;

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (work, delayMs) => globalThis.setTimeout(work, Math.min(delayMs, maxTimerMs)),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as ReturnType<typeof setTimeout>),
};
