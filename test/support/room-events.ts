import type { RoomEvent } from "../../src/client/room-event.ts";
import type { RoomSummary } from "../../src/client/room-summary.ts";

// Events of the room `r` for tests, and what the server says of it.

export const at = (revision: number, roomId = "r") => `${roomId}.${String(revision).padStart(16, "0")}`;
export const user = (id: string) => ({ id, name: id, avatarUrl: null });

export function message(revision: number, more: { sender?: string; deletedAt?: string; version?: number } = {}) {
  const { sender = "ann", deletedAt = null, version = revision } = more;
  return {
    id: `m${revision}`,
    clientMessageId: `c${revision}`,
    position: at(revision),
    version: at(version),
    sender: user(sender),
    content: "text",
    hlc: "",
    sentAt: new Date(revision).toISOString(),
    editedAt: null,
    deletedAt,
    replyTo: null,
  };
}

export const base = (revision: number, roomId = "r") => ({
  cursor: at(revision, roomId),
  previousCursor: null,
  room: { id: roomId, kind: "GROUP" as const, name: "Room", memberCount: 2 },
});
export const sent = (revision: number, more = {}): RoomEvent => ({
  __typename: "MessageSent",
  ...base(revision),
  message: message(revision, more),
});
export const edited = (revision: number, of: number, content: string): RoomEvent => ({
  __typename: "MessageEdited",
  ...base(revision),
  message: { ...message(of, { version: revision }), content, editedAt: "now" },
});
export const deleted = (revision: number, of: number): RoomEvent => ({
  __typename: "MessageDeleted",
  ...base(revision),
  message: { ...message(of, { version: revision, deletedAt: "now" }), content: null },
});
export const read = (revision: number, reader: string): RoomEvent => ({
  __typename: "MessagesRead",
  ...base(revision),
  ranges: [{ reader: user(reader), from: at(1), through: at(revision - 1), readAt: "now" }],
});
export const left = (revision: number, userId: string): RoomEvent => ({
  __typename: "MemberLeft",
  ...base(revision),
  user: user(userId),
});

export const memberOf = (userId: string, revision = 1) => ({
  id: userId,
  version: at(revision),
  user: user(userId),
  role: "MEMBER" as const,
  joinedAt: "now",
  leftAt: null,
});
export const joined = (revision: number, userId: string): RoomEvent => ({
  __typename: "MemberJoined",
  ...base(revision),
  member: memberOf(userId, revision),
});

export function summary(revision: number, unreadCount: number, id = "r"): RoomSummary {
  const room = {
    kind: "GROUP" as const,
    name: "Room",
    peer: null,
    createdAt: "1970",
    memberCount: 2,
    membership: null,
  };
  return { id, cursor: at(revision, id), unreadCount, ...room, lastMessage: null };
}
