import { messageKey, type RoomMessage } from "../../client/index.ts";
import { dayOf } from "../parts/time.ts";

/** A message with what its neighbours say of how it is shown. */
export interface Row {
  /** The same before and after it is sent. */
  key: string;
  message: RoomMessage;
  senderId: string;
  sentAtMs: number;
  isOwn: boolean;
  /** The first of its day. */
  isNewDay: boolean;
  /** The first and the last of those that one sender sent one after the other. */
  isFirst: boolean;
  isLast: boolean;
}

const groupWithinMs = 5 * 60_000;

export function rowsOf(messages: readonly RoomMessage[], userId: string): Row[] {
  const rows = messages.map((message) => rowOf(message, userId));
  rows.forEach((row, at) => {
    const previous = rows[at - 1];
    row.isNewDay = !previous || dayOf(previous.sentAtMs) !== dayOf(row.sentAtMs);
    row.isFirst =
      row.isNewDay || previous?.senderId !== row.senderId || row.sentAtMs - previous.sentAtMs > groupWithinMs;
    if (previous) previous.isLast = row.isFirst;
  });
  return rows;
}

function rowOf(message: RoomMessage, userId: string): Row {
  const isPending = message.position === undefined;
  const senderId = isPending ? userId : message.sender.id;
  return {
    key: messageKey(message, userId),
    message,
    senderId,
    sentAtMs: isPending ? message.queuedAtMs : Date.parse(message.sentAt),
    isOwn: senderId === userId,
    isNewDay: false,
    isFirst: true,
    isLast: true,
  };
}
