import { revocationKey, type AccountsStore } from "../accounts/accounts.store.ts";
import { userIdIn } from "../accounts/user-id.ts";
import type { Bus } from "../live/bus.ts";
import type { Connections } from "./connections.ts";

const channel = "revocations";
const ending = { code: 4403, reason: "Revoked" };
const forgetIntervalMs = 3_600_000;

export interface Revocations extends AsyncDisposable {
  /**
   * Ends all WebSockets and event streams of a user, on this node at once and on the others when they hear of it. False: the bus
   * is down, and they find it in the database within seconds. Whether the user may come back is for the issuer of the tokens to say.
   */
  readonly revoke: (userId: string) => Promise<boolean>;
}

type RevocationsUse = {
  bus: Bus;
  store: Pick<AccountsStore, "markRevoked" | "readRevocations" | "forgetRevocations">;
  connections: Pick<Connections, "endUser" | "userIds">;
  /** What a node knows of the user besides. */
  forget: (userId: string) => void;
  onFault: (fault: unknown) => void;
  compareIntervalMs?: number;
};

/**
 * Listens on every node. As with rooms, the bus is a hint and the database is the truth: every few seconds, and after each
 * interruption of the bus, it is asked who was revoked.
 */
export async function openRevocations(use: RevocationsUse): Promise<Revocations> {
  const { bus, store, connections, forget, onFault, compareIntervalMs = 2_000 } = use;
  /** When this node last asked, by its own clock: what it did not find then came later. */
  let askedAtMs = performance.now();
  let known = await store.readRevocations(null);
  let newestMs = known.nowMs;
  let comparing: Promise<void> | undefined;

  async function compare(): Promise<void> {
    const beganMs = performance.now();
    const found = await store.readRevocations(newestMs);
    const answeredMs = performance.now();
    const openedBeforeMs = new Map<string, number>();
    for (const [key, revokedAtMs] of found.revokedAtMs) {
      newestMs = Math.max(newestMs, revokedAtMs);
      if (known.revokedAtMs.get(key) === revokedAtMs) continue;
      // Only how long ago it was is taken from the database's clock. Of a connection that may have been opened before, it was.
      openedBeforeMs.set(key, Math.max(askedAtMs, answeredMs - (found.nowMs - revokedAtMs)));
    }
    known = found;
    askedAtMs = beganMs;
    if (openedBeforeMs.size === 0) return;
    for (const userId of connections.userIds) end(userId, openedBeforeMs.get(revocationKey(userId)));
  }

  function end(userId: string, openedBeforeMs: number | undefined): void {
    if (openedBeforeMs === undefined) return;
    forget(userId);
    connections.endUser(userId, { ...ending, openedBeforeMs });
  }

  function compareSoon(): void {
    // What was revoked meanwhile is found by the next comparison that has something to end.
    if (connections.userIds.length === 0) return;
    comparing ??= compare()
      .catch(onFault)
      .finally(() => (comparing = undefined));
  }

  const subscription = bus.subscribe(channel, (text) => {
    const userId = userIdIn(text);
    if (userId !== null) end(userId, Infinity);
  });
  const stopListening = bus.onRecovered(compareSoon);
  const timers = [
    setInterval(compareSoon, compareIntervalMs),
    setInterval(() => void store.forgetRevocations().catch(onFault), forgetIntervalMs),
  ];
  await subscription.acknowledged;

  return {
    async revoke(userId) {
      end(userId, Infinity);
      let published = false;
      try {
        // First: whoever does not hear the publication finds it there.
        await store.markRevoked(userId);
      } finally {
        published = await bus.publish(channel, JSON.stringify({ userId }));
      }
      return published;
    },
    async [Symbol.asyncDispose]() {
      timers.forEach(clearInterval);
      stopListening();
      await subscription.close();
      await comparing;
    },
  };
}
