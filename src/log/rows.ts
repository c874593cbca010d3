import type { MemberRole, MemberRow, MessageRow, ReadRange, RoomKind, RoomRow, UserRow } from "./changes.ts";

/** Rows as `to_jsonb` and `message_json` write them. */
export type MessageJson = {
  id: string;
  room_id: string;
  position: number;
  revision: number;
  sender_id: string;
  client_message_id: string;
  content: string | null;
  hlc: string;
  sent_at: string;
  edited_at: string | null;
  deleted_at: string | null;
  reply_to_id: string | null;
};

export type MemberJson = {
  room_id: string;
  user_id: string;
  role: MemberRole;
  revision: number;
  joined_revision: number;
  joined_at: string;
  left_revision: number | null;
  left_at: string | null;
};

export type ReadRangeJson = { reader_id: string; from_position: number; through_position: number; read_at: string };

const ms = (text: string) => Date.parse(text);
const msOrNull = (text: string | null) => (text === null ? null : Date.parse(text));

export function messageRow(json: MessageJson): MessageRow {
  return {
    id: json.id,
    roomId: json.room_id,
    position: json.position,
    revision: json.revision,
    senderId: json.sender_id,
    clientMessageId: json.client_message_id,
    content: json.content,
    hlc: json.hlc,
    sentAt: ms(json.sent_at),
    editedAt: msOrNull(json.edited_at),
    deletedAt: msOrNull(json.deleted_at),
    replyToId: json.reply_to_id,
  };
}

export function memberRow(json: MemberJson): MemberRow {
  return {
    roomId: json.room_id,
    userId: json.user_id,
    role: json.role,
    revision: json.revision,
    joinedRevision: json.joined_revision,
    joinedAt: ms(json.joined_at),
    leftRevision: json.left_revision,
    leftAt: msOrNull(json.left_at),
  };
}

export function readRange(json: ReadRangeJson): ReadRange {
  return {
    readerId: json.reader_id,
    from: json.from_position,
    through: json.through_position,
    readAt: ms(json.read_at),
  };
}

/** The columns of a room as statements select them, `r` being the table. */
export const ROOM_COLUMNS = `r.id, r.kind, r.name, r.created_at, r.member_count, r.revision, r.room_revision, r.member_revision`;

export type RoomColumns = {
  id: string;
  kind: RoomKind;
  name: string | null;
  created_at: number;
  member_count: number;
  revision: number;
  room_revision: number;
  member_revision: number;
};

export function roomRow(row: RoomColumns): RoomRow {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    createdAt: row.created_at,
    memberCount: row.member_count,
    revision: row.revision,
    roomRevision: row.room_revision,
    memberRevision: row.member_revision,
  };
}

export type UserColumns = { id: string; name: string; avatar_url: string | null };

export function userRow(row: UserColumns): UserRow {
  return { id: row.id, name: row.name, avatarUrl: row.avatar_url };
}
