import type { Presence } from "../../client/index.ts";
import { useConnectionState, usePresence } from "../../react/index.ts";

/** Undefined while it is not known: nothing that was heard before the connection was lost is shown as if it were so now. */
export function useShownPresence(userId: string): Presence | undefined {
  const presence = usePresence(userId);
  const { status } = useConnectionState();
  return status === "offline" || status === "connecting" ? undefined : presence;
}
