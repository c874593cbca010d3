import type { Clock } from "./clock.ts";

/** Asks the server again for what cannot be known from events alone, a room at a time, the more seldom the oftener it is needed. */
export interface Recount {
  want(roomId: string): void;
  /** What is known is exact: nothing is to be asked. */
  cancel(roomId: string): void;
  dispose(): void;
}

export interface RecountOptions {
  clock: Clock;
  random: () => number;
  /** Asks; a failure is its own to tell. */
  ask: (roomId: string) => Promise<void>;
  firstDelayMs?: number;
  maxDelayMs?: number;
}

type Entry = { delayMs: number; lastMs: number; timer: unknown; isAsking: boolean; isWanted: boolean };

export function createRecount(options: RecountOptions): Recount {
  const { clock, random, ask, firstDelayMs = 500, maxDelayMs = 8_000 } = options;
  const entries = new Map<string, Entry>();

  function want(roomId: string) {
    const entry = entries.get(roomId) ?? { delayMs: 0, lastMs: 0, timer: undefined, isAsking: false, isWanted: false };
    entries.set(roomId, entry);
    if (entry.timer !== undefined) return;
    if (entry.isAsking) {
      entry.isWanted = true;
      return;
    }
    const isQuiet = clock.now() - entry.lastMs > 4 * maxDelayMs;
    entry.delayMs = isQuiet ? firstDelayMs : Math.min(maxDelayMs, entry.delayMs * 2);
    // Many clients have the same reason at the same moment.
    entry.timer = clock.setTimeout(() => void run(roomId, entry), entry.delayMs * (0.5 + random()));
  }

  async function run(roomId: string, entry: Entry) {
    entry.timer = undefined;
    entry.isAsking = true;
    await ask(roomId);
    entry.isAsking = false;
    entry.lastMs = clock.now();
    const isWantedAgain = entry.isWanted;
    entry.isWanted = false;
    if (isWantedAgain && entries.get(roomId) === entry) want(roomId);
  }

  function cancel(roomId: string) {
    const entry = entries.get(roomId);
    if (!entry) return;
    clock.clearTimeout(entry.timer);
    entry.timer = undefined;
    entry.isWanted = false;
  }

  return {
    want,
    cancel,
    dispose() {
      for (const roomId of Array.from(entries.keys())) cancel(roomId);
      entries.clear();
    },
  };
}
