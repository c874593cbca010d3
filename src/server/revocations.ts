import type { AccountsStore } from "../accounts/accounts.store.ts";
import { isUserId } from "../accounts/user-id.ts";
import type { Bus } from "../live/bus.ts";
import type { Connections } from "./connections.ts";

const channel = "revocations";
const ending = { code: 4403, reason: "Revoked" };
/** An interruption is known some seconds after it began; it may have been too short to be known at all. */
const unknownMs = 10_000;
const retryMs = 2_000;
const usersPerQuery = 5_000;

export interface Revocations extends AsyncDisposable {
  /**
   * Ends all WebSockets and event streams of a user, on this node at once and on the others when they hear of it. False: the bus
   * is down, and they hear of it once it is back. Whether the user may come back is for the issuer of the tokens to say.
   */
  readonly revoke: (userId: string) => Promise<boolean>;
}

type RevocationsUse = {
  bus: Bus;
  store: Pick<AccountsStore, "markRevoked" | "readRevoked">;
  connections: Pick<Connections, "endUser" | "userIds">;
  /** What a node knows of the user besides. */
  forget: (userId: string) => void;
  onFault: (fault: unknown) => void;
};

/** Listens on every node. As with rooms, the bus is a hint: after each interruption the database is asked who was revoked. */
export async function openRevocations({
  bus,
  store,
  connections,
  forget,
  onFault,
}: RevocationsUse): Promise<Revocations> {
  let downAtMs: number | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isClosed = false;

  function end(userId: string): void {
    forget(userId);
    connections.endUser(userId, ending);
  }

  async function compare(): Promise<void> {
    clearTimeout(retry);
    const nowMs = performance.now();
    const withinMs = nowMs - (downAtMs ?? nowMs) + unknownMs;
    const userIds = connections.userIds;
    try {
      for (let start = 0; start < userIds.length; start += usersPerQuery) {
        const revoked = await store.readRevoked(userIds.slice(start, start + usersPerQuery), withinMs);
        revoked.forEach(end);
      }
      if (bus.up) downAtMs = undefined;
    } catch (fault) {
      onFault(fault);
      if (!isClosed) retry = setTimeout(() => void compare(), retryMs);
    }
  }

  const subscription = bus.subscribe(channel, (text) => {
    const userId = userIdIn(text);
    if (userId !== null) end(userId);
  });
  const stopListening = [
    bus.onRecovered(() => void compare()),
    bus.onStateChange((isUp) => {
      if (!isUp) downAtMs ??= performance.now();
    }),
  ];
  await subscription.acknowledged;

  return {
    async revoke(userId) {
      end(userId);
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
      isClosed = true;
      clearTimeout(retry);
      for (const stop of stopListening) stop();
      await subscription.close();
    },
  };
}

/** Null for whatever is not a revocation: what comes from the bus is not trusted. */
function userIdIn(text: string): string | null {
  try {
    const value: unknown = JSON.parse(text);
    const userId = typeof value === "object" && value !== null && "userId" in value ? value.userId : null;
    return typeof userId === "string" && isUserId(userId) ? userId : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
