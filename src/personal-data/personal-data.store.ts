import type { Database, Queryable } from "../database/pool.ts";
import type { MemberRow, MessageRow } from "../log/changes.ts";
import { memberRow, messageRow, type MemberJson, type MessageJson } from "../log/rows.ts";

const READ_USER = `
select u.id, u.name, u.avatar_url, u.created_at, p.custom_status, p.do_not_disturb_until, p.last_seen_at
from users u left join presence p on p.user_id = u.id where u.id = $1`;

const READ_ROOMS = `
select m.room_id, r.name as room_name, r.kind as room_kind, r.revision, m.role, m.joined_at, m.left_at
from members m join rooms r on r.id = m.room_id
where m.user_id = $1 and m.room_id > $2 order by m.room_id limit $3`;

const READ_MESSAGES = `
select m.id, m.position, m.client_message_id, m.content, m.sent_at, m.edited_at, m.deleted_at, m.reply_to_id
from messages m
where m.room_id = $1 and m.sender_id = $2 and m.position > $3 and m.position <= $4 order by m.position limit $5`;

const READ_RANGES = `
select from_position, through_position, read_at from read_ranges
where room_id = $1 and reader_id = $2 and from_position > $3 order by from_position limit $4`;

const HAS_MESSAGES = `
select exists (select from messages where room_id = $1 and sender_id = $2 and position > $3 and position <= $4) as found`;

// The id that the client chose may say something too. What a repeated send is compared with stays: a digest.
const ERASE_MESSAGES = `
with mine as (
  select position, $5::bigint + row_number() over (order by position) as new_revision
  from (
    select position from messages
    where room_id = $1 and sender_id = $2 and position > $3 and position <= $4 order by position limit $6
  ) m
)
update messages m set revision = mine.new_revision, sender_id = $7, client_message_id = m.id::text, content = null,
  edited_at = null, deleted_at = coalesce(m.deleted_at, to_timestamp($8::bigint / 1000.0))
from mine where m.room_id = $1 and m.position = mine.position
returning message_json(m) as row`;

const SAVE_ALIAS = `insert into users (id, name) values ($1, $2)`;
const ERASE_RANGES = `delete from read_ranges where room_id = $1 and reader_id = $2`;
const ERASE_PROGRESS = `delete from read_progress where room_id = $1 and reader_id = $2`;
const ERASE_MEMBERSHIP = `
update members set user_id = $3, revision = $4
where room_id = $1 and user_id = $2 and left_revision <= $5 returning to_jsonb(members) as row`;
// Whoever adds the user to a room holds this lock until that is done.
const LOCK_USER = `select from users where id = $1 for update`;
// What is kept of presence goes with it. None while the user is a member somewhere, again.
const ERASE_USER = `delete from users where id = $1 and not exists (select from members where user_id = $1)`;

/** Positions of a room, the first left out. */
export type Window = { roomId: string; userId: string; after: number; through: number };
export type RoomOfUser = {
  room_id: string;
  room_name: string | null;
  room_kind: string;
  revision: number;
  role: string;
  joined_at: number;
  left_at: number | null;
};

export type PersonalDataStore = ReturnType<typeof createPersonalDataStore>;

/** What the database holds of one user. Everything is read and erased in steps that are short, however much there is. */
export function createPersonalDataStore(database: Database) {
  async function rows<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return (await database.query<Row>({ text, values })).rows;
  }

  return {
    readUser: async (userId: string) => (await rows<Record<string, unknown>>(READ_USER, [userId]))[0] ?? null,
    /** Those that the user is or was in, in the order of their ids. */
    readRooms: (userId: string, after: string, limit: number) => rows<RoomOfUser>(READ_ROOMS, [userId, after, limit]),
    readMessages: ({ roomId, userId, after, through }: Window, limit: number) =>
      rows<{ position: number }>(READ_MESSAGES, [roomId, userId, after, through, limit]),
    readRanges: ({ roomId, userId, after }: Omit<Window, "through">, limit: number) =>
      rows<{ from_position: number }>(READ_RANGES, [roomId, userId, after, limit]),
    async hasMessages({ roomId, userId, after, through }: Window): Promise<boolean> {
      return (await rows<{ found: boolean }>(HAS_MESSAGES, [roomId, userId, after, through]))[0]!.found;
    },
    saveAlias: (alias: string, name: string) => rows(SAVE_ALIAS, [alias, name]),
    /** False while the user is a member of a room. */
    eraseUser: (userId: string): Promise<boolean> =>
      database.transaction(async (tx) => {
        await tx.query({ text: LOCK_USER, values: [userId] });
        // A statement of its own: it sees a membership that was committed while the lock was waited for.
        return (await tx.query({ text: ERASE_USER, values: [userId] })).rowCount === 1;
      }),
  };
}

/** Makes tombstones of the first of the user's messages, each with the next revision. In the order of these. */
export async function eraseMessages(
  tx: Queryable,
  { roomId, userId, after, through }: Window,
  to: { alias: string; revision: number; nowMs: number; limit: number },
): Promise<MessageRow[]> {
  const values = [roomId, userId, after, through, to.revision, to.limit, to.alias, to.nowMs];
  const { rows } = await tx.query<{ row: MessageJson }>({ text: ERASE_MESSAGES, values });
  return rows.map(({ row }) => messageRow(row)).sort((a, b) => a.revision - b.revision);
}

/** Receipts go, and the membership, which has ended at this revision, becomes the alias's. Null where there is no such. */
export async function eraseMembership(
  tx: Queryable,
  of: { roomId: string; userId: string; alias: string; revision: number; departed: number },
): Promise<MemberRow | null> {
  const { roomId, userId, alias, revision, departed } = of;
  const { rows } = await tx.query<{ row: MemberJson }>({
    text: ERASE_MEMBERSHIP,
    values: [roomId, userId, alias, revision, departed],
  });
  const [erased] = rows;
  if (!erased) return null;
  await tx.query({ text: ERASE_RANGES, values: [roomId, userId] });
  await tx.query({ text: ERASE_PROGRESS, values: [roomId, userId] });
  return memberRow(erased.row);
}
