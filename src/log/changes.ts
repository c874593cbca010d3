/** What the room log is made of: rows as they are in the database, and the changes of them. Times are milliseconds since 1970. */

export type RoomKind = "DIRECT" | "GROUP";
export type MemberRole = "OWNER" | "ADMIN" | "MEMBER";

export type UserRow = { id: string; name: string; avatarUrl: string | null };

export type RoomRow = {
  id: string;
  kind: RoomKind;
  name: string | null;
  createdAt: number;
  memberCount: number;
  /** The room's newest revision when the row was read. */
  revision: number;
  /** The last revision at which the name changed. */
  roomRevision: number;
  /** The last revision at which a membership changed. */
  memberRevision: number;
};

export type MemberRow = {
  roomId: string;
  userId: string;
  role: MemberRole;
  revision: number;
  joinedRevision: number;
  joinedAt: number;
  leftRevision: number | null;
  leftAt: number | null;
};

export type MessageRow = {
  id: string;
  roomId: string;
  /** The revision of its creation: its place in the room. */
  position: number;
  /** The revision of its last change. */
  revision: number;
  senderId: string;
  clientMessageId: string;
  content: string | null;
  hlc: string;
  sentAt: number;
  editedAt: number | null;
  deletedAt: number | null;
  replyToId: string | null;
};

/** Others' messages with a position in the range, both ends included, were read. */
export type ReadRange = { readerId: string; from: number; through: number; readAt: number };

export type MessageChange = {
  type: "MessageSent" | "MessageEdited" | "MessageDeleted";
  revision: number;
  message: MessageRow;
};
export type ReceiptChange = { type: "MessagesRead"; revision: number; ranges: ReadRange[] };
export type MemberChange = {
  type: "MemberJoined" | "MemberUpdated" | "MemberLeft";
  revision: number;
  member: MemberRow;
};
export type RoomChange = { type: "RoomUpdated"; revision: number };
export type Change = MessageChange | ReceiptChange | MemberChange | RoomChange;

export const changeKinds = ["MESSAGE", "RECEIPT", "MEMBER", "ROOM"] as const;
export type ChangeKind = (typeof changeKinds)[number];

export const kindOf: Record<Change["type"], ChangeKind> = {
  MessageSent: "MESSAGE",
  MessageEdited: "MESSAGE",
  MessageDeleted: "MESSAGE",
  MessagesRead: "RECEIPT",
  MemberJoined: "MEMBER",
  MemberUpdated: "MEMBER",
  MemberLeft: "MEMBER",
  RoomUpdated: "ROOM",
};

/** A change as a subscriber gets it: `previous` is the event before it, null when it is the first. */
export type RoomEvent = Change & { roomId: string; previous: number | null };

/** Which change a message row is, told at the revision of its last change. */
export function messageChange(message: MessageRow): MessageChange {
  const { revision } = message;
  if (revision === message.position) return { type: "MessageSent", revision, message };
  return { type: message.deletedAt === null ? "MessageEdited" : "MessageDeleted", revision, message };
}

/**
 * A former member may see nothing of what happened after they left. A message that changed since then comes without its
 * content: the present one is not theirs to see, the former one is not kept.
 */
export function messageAsOf(message: MessageRow, leftRevision: number | null): MessageRow {
  if (leftRevision === null || message.revision <= leftRevision) return message;
  return { ...message, revision: leftRevision, content: null, editedAt: null, deletedAt: null };
}

/** The same for a membership that changed since then: what is left to say is that the member had joined. */
export function memberAsOf(member: MemberRow, leftRevision: number | null): MemberRow {
  if (leftRevision === null || member.revision <= leftRevision) return member;
  return { ...member, revision: leftRevision, role: "MEMBER", leftRevision: null, leftAt: null };
}
