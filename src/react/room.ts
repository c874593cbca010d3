import { useCallback, useEffect, useMemo, useReducer, useRef, useState } from "react";
import type { Outcome } from "../client/outcome.ts";
import type { QueuedMessage } from "../client/queued-message.ts";
import type { Member, Message } from "../client/room-event.ts";
import type { RoomStatus } from "../client/room-log.ts";
import type { Receipts } from "../client/room-receipts.ts";
import type { Room, RoomMessage } from "../client/room.ts";
import { useObservable } from "./observable.ts";
import { useClient } from "./provider.ts";

/** A room and what can be done in it; see `Room` of the client for each. */
export interface RoomView {
  status: RoomStatus;
  /** In room order, then what waits to be sent or failed. */
  messages: readonly RoomMessage[];
  /** For the `key` of a message's element: the same before and after it is sent, and no other message's. */
  keyOf: (message: RoomMessage) => string;
  members: readonly Member[];
  receipts: Receipts;
  hasOlder: boolean;
  isLoadingOlder: boolean;
  /** Resolves when the page is there. */
  loadOlder: () => Promise<void>;
  /** Resolves when the message is kept, to be sent as soon as that can be. */
  send: (message: { content: string; replyToId?: string }) => Promise<QueuedMessage<Message>>;
  /** Sends a failed message again. */
  retry: (clientMessageId: string) => Promise<boolean>;
  /** Takes out a message that was not sent. */
  discard: (clientMessageId: string) => Promise<boolean>;
  edit: (messageId: string, content: string) => Promise<Outcome<Message>>;
  remove: (messageId: string) => Promise<Outcome<Message>>;
}

/** One room, kept open for as long as a component shows it. */
export function useRoom(roomId: string): RoomView {
  const room = useHeldRoom(roomId);
  const status = useObservable(room.status);
  const messages = useObservable(room.messages);
  const members = useObservable(room.members);
  const receipts = useObservable(room.receipts);
  const hasOlder = useObservable(room.hasOlder);
  const { loadOlder, isLoadingOlder } = useLoadOlder(room);
  const actions = useMemo(
    () => ({
      keyOf: (message: RoomMessage) => room.keyOf(message),
      send: (message: { content: string; replyToId?: string }) => room.send(message),
      retry: (clientMessageId: string) => room.retry(clientMessageId),
      discard: (clientMessageId: string) => room.discard(clientMessageId),
      edit: (messageId: string, content: string) => room.edit(messageId, content),
      remove: (messageId: string) => room.delete(messageId),
    }),
    [room],
  );
  return { status, messages, members, receipts, hasOlder, isLoadingOlder, loadOlder, ...actions };
}

/** The room, the same for all components that show it; it closes a while after the last of them is gone. */
export function useHeldRoom(roomId: string): Room {
  const { rooms } = useClient();
  const room = rooms.get(roomId);
  const [, renderAgain] = useReducer((times: number) => times + 1, 0);
  useEffect(() => {
    const release = rooms.hold(roomId);
    // Many rooms were opened at once, and this one had to go before anybody held it.
    if (rooms.get(roomId) !== room) renderAgain();
    return release;
  }, [rooms, roomId, room]);
  return room;
}

function useLoadOlder(room: Room) {
  const [loading, setLoading] = useState<Room>();
  const isMounted = useRef(false);
  useEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
    };
  }, []);
  const loadOlder = useCallback(async () => {
    setLoading(room);
    try {
      await room.loadOlder();
    } finally {
      // Another room may be shown by now, and load too.
      if (isMounted.current) setLoading((shown) => (shown === room ? undefined : shown));
    }
  }, [room]);
  return { loadOlder, isLoadingOlder: loading === room };
}
