import { useEffect, useMemo } from "react";
import type { User } from "../client/room-event.ts";
import { useObservable } from "./observable.ts";
import { useHeldRoom } from "./room.ts";

/** Who types, and what to call for the user's own typing. */
export interface TypingView {
  /** Who other than the user is typing now. */
  users: readonly User[];
  /** For each input of the user: others are told now and then, and when it ends. */
  onInput: () => void;
  /** The text was cleared. Sending it ends typing by itself. */
  onStop: () => void;
}

/** Who types in a room. When the component goes, so does the user's own typing. */
export function useTyping(roomId: string): TypingView {
  const room = useHeldRoom(roomId);
  const users = useObservable(room.typing);
  const actions = useMemo(() => ({ onInput: () => room.noteTyping(), onStop: () => room.stopTyping() }), [room]);
  useEffect(() => () => room.stopTyping(), [room]);
  return { users, ...actions };
}
