import { setTimeout as delay } from "node:timers/promises";

const askEveryMs = 10;

/** Comes back once the fact holds, or after so long, and says which. For a start, where what is waited for tells nobody. */
export async function waitFor(fact: () => boolean, withinMs: number): Promise<boolean> {
  const endMs = performance.now() + withinMs;
  while (!fact()) {
    if (performance.now() >= endMs) return false;
    await delay(askEveryMs);
  }
  return true;
}
