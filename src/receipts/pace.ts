import { rateLimited } from "../errors.ts";

export type PaceOptions = {
  /** How long the calls of a busy room are gathered. */
  intervalMs?: number;
  /** So many calls go at once before a room counts as busy. */
  burst?: number;
  maxWaiting?: number;
  /** Runs `work` once, later. */
  later?: (work: () => void, delayMs: number) => void;
};

type Interval = { started: number; waiting: (() => void)[] };

export interface Pace {
  /** Resolves when a call for this room may go on. @throws Refusal RATE_LIMITED where too many wait */
  turn(roomId: string): Promise<void>;
}

/**
 * In a quiet room a call goes on at once. Where many come, those of one interval go on together, so that what they cost
 * does not grow with their number. A call waits at most one interval.
 */
export function createPace(options: PaceOptions = {}): Pace {
  const { intervalMs = 100, burst = 5, maxWaiting = 10_000, later = (work, ms) => void setTimeout(work, ms) } = options;
  /** Of the rooms that had a call within the last interval. */
  const intervals = new Map<string, Interval>();
  let waiting = 0;

  async function turn(roomId: string): Promise<void> {
    const interval = intervals.get(roomId) ?? open(roomId, 0);
    if (interval.started < burst) {
      interval.started += 1;
      return;
    }
    if (waiting >= maxWaiting) throw rateLimited(intervalMs);
    waiting += 1;
    await new Promise<void>((resolve) => interval.waiting.push(resolve));
  }

  function open(roomId: string, started: number): Interval {
    const interval: Interval = { started, waiting: [] };
    intervals.set(roomId, interval);
    later(() => close(roomId, interval), intervalMs);
    return interval;
  }

  function close(roomId: string, interval: Interval): void {
    const { length } = interval.waiting;
    // One caller who waits for each answer is no crowd: their next calls go at once again.
    if (length > 1) open(roomId, burst);
    else if (length === 1) open(roomId, 1);
    else intervals.delete(roomId);
    waiting -= length;
    for (const resolve of interval.waiting) resolve();
  }

  return { turn };
}
