import type { RoomMessage } from "./room.ts";

/**
 * For lists of a room's messages: the same before and after a message is sent, and no other message's. (A `clientMessageId` is its
 * sender's only: two users may use the same one.)
 */
export function messageKey(message: RoomMessage, userId: string): string {
  return `${message.position === undefined ? userId : message.sender.id}/${message.clientMessageId}`;
}
