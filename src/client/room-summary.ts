import type { RoomFieldsFragment } from "./generated/operations.ts";
import { messageOf, presenceAfter, type Message, type RoomEvent } from "./room-event.ts";

/** What a list of rooms shows of one. `cursor`: what happened up to there is in it. */
export type RoomSummary = RoomFieldsFragment;

/** The room after an event, but for the count of what is unread; an event that it holds already changes nothing. */
export function summaryAfter(room: RoomSummary, event: RoomEvent, viewerId: string): RoomSummary {
  if (event.cursor <= room.cursor) return room;
  const { kind, name, memberCount } = event.room;
  const message = messageOf(event);
  const lastMessage = message ? newerMessage(room.lastMessage, message) : room.lastMessage;
  const isOwn = "member" in event && event.member.user.id === viewerId;
  const membership = isOwn ? event.member : room.membership;
  return { ...room, kind, name, memberCount, lastMessage, membership, cursor: event.cursor };
}

/** A message that another one sent and the user has not seen. */
export function isUnread(event: RoomEvent, viewerId: string): boolean {
  if (event.__typename !== "MessageSent") return false;
  return event.message.sender.id !== viewerId && event.message.deletedAt === null;
}

/** Whether after this event only the server knows how many messages are unread. */
export function isCountUnknown(room: RoomSummary, event: RoomEvent, viewerId: string): boolean {
  // Unread counts begin with the join.
  if (presenceAfter(event, viewerId) === "in") return true;
  if (room.unreadCount === 0) return false;
  if (event.__typename === "MessagesRead") return event.ranges.some(({ reader }) => reader.id === viewerId);
  return event.__typename === "MessageDeleted" && event.message.sender.id !== viewerId;
}

/** When something last happened in the room that people look for: what lists are in the order of. */
export function activityOf(room: RoomSummary): string {
  return room.lastMessage?.sentAt ?? room.createdAt;
}

function newerMessage(held: Message | null, message: Message): Message {
  if (!held || message.position > held.position) return message;
  return message.id === held.id && message.version > held.version ? message : held;
}
