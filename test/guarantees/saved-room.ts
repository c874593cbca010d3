import type { Sql } from "../support/sql.ts";
import type { ModelRoom } from "./model-room.ts";

const time = (column: string) => `to_timestamp(${column} / 1000.0)`;

const SAVE_ROOM = `
insert into rooms (id, kind, name, created_at, revision, message_revision, receipt_revision, member_revision, room_revision,
  member_count, active_at)
values ($1, 'GROUP', $2, ${time("$3::bigint")}, $4, $5, $6, $7, $8, $9, now())`;

const SAVE_MEMBERS = `
insert into members (room_id, user_id, role, revision, joined_revision, joined_at, left_revision, left_at)
select $1, "userId", role, revision, "joinedRevision", ${time('"joinedAt"')}, "leftRevision", ${time('"leftAt"')}
from json_to_recordset($2) as m ("userId" text, role text, revision bigint, "joinedRevision" bigint, "joinedAt" bigint,
  "leftRevision" bigint, "leftAt" bigint)`;

const SAVE_MESSAGES = `
insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at,
  edited_at, deleted_at)
select $1, position, id, revision, "senderId", "clientMessageId", '', content, position << 16, 'model', ${time('"sentAt"')},
  ${time('"editedAt"')}, ${time('"deletedAt"')}
from json_to_recordset($2) as m (position bigint, id uuid, revision bigint, "senderId" text, "clientMessageId" text,
  content text, "sentAt" bigint, "editedAt" bigint, "deletedAt" bigint)`;

const SAVE_RANGES = `
insert into read_ranges (room_id, reader_id, from_position, through_position, read_at, revision)
select $1, "readerId", "from", through, ${time('"readAt"')}, revision
from json_to_recordset($2) as r ("readerId" text, "from" bigint, through bigint, "readAt" bigint, revision bigint)`;

/** Writes the model's room as the database would hold it. */
export async function saveRoom(sql: Sql, room: ModelRoom): Promise<void> {
  const { row, id } = room;
  const { last } = room.head();
  const revisions = [row.revision, last.MESSAGE, last.RECEIPT, last.MEMBER, last.ROOM];
  await sql.rows(SAVE_ROOM, [id, row.name, row.createdAt, ...revisions, row.memberCount]);
  await sql.rows(SAVE_MEMBERS, [id, JSON.stringify([...room.members.values()])]);
  await sql.rows(SAVE_MESSAGES, [id, JSON.stringify(room.messages)]);
  await sql.rows(SAVE_RANGES, [id, JSON.stringify(room.ranges)]);
}
