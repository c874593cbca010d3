import { setTimeout as delay } from "node:timers/promises";

/** A node takes so many clients that come back in the same second. */
const membersPerSecond = 500;
const maxSpreadMs = 10_000;
const stepMs = 20;

/** What it tells the time by. */
export interface SpreadClock {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

const systemClock: SpreadClock = { now: () => performance.now(), wait: (ms) => delay(ms) };

/**
 * Visits all, spread evenly over a time that grows with their number up to 10 s, so that clients who are sent away do not all
 * come back at once.
 */
export async function spread<Member>(
  members: Iterable<Member>,
  visit: (member: Member) => void,
  clock: SpreadClock = systemClock,
): Promise<void> {
  const waiting = [...members];
  const spreadMs = Math.min((waiting.length / membersPerSecond) * 1_000, maxSpreadMs);
  const beganMs = clock.now();
  for (let visited = 0; ; await clock.wait(stepMs)) {
    // From the first step on, so that a few are visited at once.
    const share = (clock.now() - beganMs + stepMs) / spreadMs;
    const due = Math.min(waiting.length, Math.ceil(waiting.length * share));
    while (visited < due) visit(waiting[visited++]!);
    if (visited === waiting.length) return;
  }
}
