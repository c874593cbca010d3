import { useEffect } from "react";
import { useClient } from "../../react/index.ts";

/** Lets the members of a room see that the user is in it, for as long as it is open. */
export function useCurrentRoom(roomId: string | null): void {
  const { presence } = useClient();
  useEffect(() => {
    if (roomId === null) return undefined;
    presence.set({ currentRoomId: roomId }).catch(toldLater);
    return () => void presence.set({ currentRoomId: null }).catch(toldLater);
  }, [presence, roomId]);
}

/** There was no connection: the next one is told by the client. */
function toldLater() {}
