import { useEffect } from "react";
import { useClient } from "../react/index.ts";
import { toast } from "./parts/toasts.tsx";

/** Rooms that the user leaves by own will: nobody needs to be told. */
const leaving = new Set<string>();

export function noteLeaving(roomId: string): () => void {
  leaving.add(roomId);
  return () => void leaving.delete(roomId);
}

/** Tells the user of being removed from a room, whichever is open. */
export function RemovalNotices() {
  const client = useClient();
  useEffect(
    () =>
      client.onEvents((events) => {
        for (const event of events) {
          if (event["__typename"] !== "MemberLeft" || event.user.id !== client.userId) continue;
          if (!leaving.delete(event.room.id)) toast(`You were removed from “${event.room.name ?? "a room"}”.`);
        }
      }),
    [client],
  );
  return null;
}
