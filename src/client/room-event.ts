import type {
  MemberFieldsFragment,
  MessageFieldsFragment,
  SyncQuery,
  UserFieldsFragment,
} from "./generated/operations.ts";

/** A user, as messages, members and receipts show one. */
export type User = UserFieldsFragment;
/** A message as the server has it. `position` orders it, the newer `version` wins. */
export type Message = MessageFieldsFragment;
/** A user's membership of a room. */
export type Member = MemberFieldsFragment;

/** A durable change of a room, as the feed and the sync pages give it. */
export type RoomEvent = SyncQuery["sync"]["events"][number];

export function messageOf(event: RoomEvent): Message | undefined {
  return "message" in event ? event.message : undefined;
}

/** Whether with this event the user came into the room, or left it; undefined where it is about something else. */
export function presenceAfter(event: RoomEvent, userId: string): "in" | "out" | undefined {
  if (event.__typename === "MemberJoined" && event.member.user.id === userId) return "in";
  if (event.__typename === "MemberLeft" && event.user.id === userId) return "out";
  return undefined;
}
