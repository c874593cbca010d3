import { isUserId } from "../accounts/user-id.ts";
import type { Bus } from "../live/bus.ts";
import type { Connections } from "./connections.ts";

const channel = "revocations";
const ending = { code: 4403, reason: "Revoked" };

export interface Revocations extends AsyncDisposable {
  /**
   * Ends all WebSockets and event streams of a user, on this node at once and on the others when they are told. False: they
   * may not have been told, since the bus is down. Whether the user may come back is for the issuer of the tokens to say.
   */
  readonly revoke: (userId: string) => Promise<boolean>;
}

/** Listens on every node. `forget`: what a node knows of the user besides. */
export async function openRevocations(use: {
  bus: Bus;
  connections: Pick<Connections, "endUser">;
  forget: (userId: string) => void;
}): Promise<Revocations> {
  const { bus, connections, forget } = use;

  function end(userId: string): void {
    forget(userId);
    connections.endUser(userId, ending);
  }

  const subscription = bus.subscribe(channel, (text) => {
    const userId = userIdIn(text);
    if (userId !== null) end(userId);
  });
  await subscription.acknowledged;

  return {
    async revoke(userId) {
      end(userId);
      return bus.publish(channel, JSON.stringify({ userId }));
    },
    [Symbol.asyncDispose]: () => subscription.close(),
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
