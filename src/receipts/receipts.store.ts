import type { Database } from "../database/pool.ts";
import type { MessageRow, ReadRange } from "../log/changes.ts";
import type { MessageJson } from "../log/rows.ts";
import { messageRow } from "../log/rows.ts";

const MARK = `select * from mark_read_step($1::uuid[], $2::text[], $3::uuid[], $4::integer[], $5::uuid[], $6::integer)`;

// Messages of a room that lie close together are looked up together: a page costs each reader one look, and in between
// lie few of a reader's ranges. $5 and $6 are the place in the list, $7 the size of a page.
const READ_READERS = `
with asked as materialized (
  select a.*, count(*) filter (where a.far) over (partition by a.room_id order by a.position) as span
  from (
    select a.*, a.position - lag(a.position) over (partition by a.room_id order by a.position) > 500 as far
    from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[]) with ordinality as a (room_id, position, sender_id, viewer_id, ord)
  ) a
),
spans as (
  select a.room_id, a.span, min(a.position) as low, max(a.position) as high from asked a group by a.room_id, a.span
),
found as materialized (
  select s.room_id, s.span, r.reader_id, r.from_position, r.through_position, r.read_at
  from spans s join read_progress p on p.room_id = s.room_id
  cross join lateral (
    select * from read_range_at(s.room_id, p.reader_id, s.low)
    union all
    select * from read_ranges r
    where r.room_id = s.room_id and r.reader_id = p.reader_id and r.from_position > s.low and r.from_position <= s.high
  ) r
)
select a.ord, r.member_revision, f.reader_id, f.read_at
from asked a
join rooms r on r.id = a.room_id
left join members viewer on viewer.room_id = a.room_id and viewer.user_id = a.viewer_id and viewer.left_revision is null
left join lateral (
  select f.reader_id, f.read_at from found f
  where f.room_id = a.room_id and f.span = a.span and f.reader_id <> a.sender_id
    and a.position between f.from_position and f.through_position
    and ($5::bigint is null or (f.read_at, f.reader_id) > (to_timestamp($5::bigint / 1000.0), $6))
  order by f.read_at, f.reader_id limit $7
) f on a.viewer_id is null or viewer.user_id is not null
order by a.ord, f.read_at, f.reader_id`;

const READ_AT = `
select a.ord, r.read_at
from unnest($1::uuid[], $2::bigint[], $3::text[]) with ordinality as a (room_id, position, viewer_id, ord)
join members m on m.room_id = a.room_id and m.user_id = a.viewer_id and m.left_revision is null
cross join lateral read_range_at(a.room_id, a.viewer_id, a.position) r`;

const READ_THROUGH = `
select a.ord, r.member_revision, x.row
from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as a (room_id, reader_id, viewer_id, ord)
join rooms r on r.id = a.room_id
join members m on m.room_id = a.room_id and m.user_id = a.reader_id
left join members viewer on viewer.room_id = a.room_id and viewer.user_id = a.viewer_id and viewer.left_revision is null
left join read_progress p on p.room_id = a.room_id and p.reader_id = a.reader_id
cross join lateral first_unread(a.room_id, a.reader_id, greatest(m.joined_revision, p.marked_through, p.read_through)) as u (position)
left join lateral (
  select message_json(x) as row from messages x
  where x.room_id = a.room_id and x.position > m.joined_revision
    and (u.position is null or x.position < u.position)
    and (m.left_revision is null or x.position <= m.left_revision)
  order by x.position desc limit 1
) x on a.viewer_id is null or viewer.user_id is not null`;

const COUNT_UNREAD = `
select a.ord, count_unread(m.room_id, m.user_id, greatest(m.joined_revision, p.marked_through, p.read_through)) as unread
from unnest($1::uuid[], $2::text[]) with ordinality as a (room_id, viewer_id, ord)
join members m on m.room_id = a.room_id and m.user_id = a.viewer_id and m.left_revision is null
left join read_progress p on p.room_id = m.room_id and p.reader_id = m.user_id`;

/** Marks what `messageIds` name, and all up to the message `upToId`. */
export type Mark = { roomId: string; readerId: string; messageIds: string[]; upToId: string | null };
export type MarkOutcome = "READ" | "NO_ROOM" | "NO_MESSAGE";
/**
 * `ranges` are those that are new or grew, each with the revision it took; none where all was read before. `isPart`: there is
 * more, to be marked in another transaction.
 */
export type Marked = { outcome: MarkOutcome; isPart: boolean; ranges: (ReadRange & { revision: number })[] };

export type ReadersKey = {
  roomId: string;
  messageId: string;
  position: number;
  senderId: string;
  viewerId: string | null;
};
export const readersKey = ({ messageId, viewerId }: ReadersKey) => `${messageId} ${viewerId ?? ""}`;
export type Receipt = { readerId: string; readAt: number };
/** `after`: the place of a receipt in its list, its time and reader; null for the beginning. */
export type ReadersPage = { after: [readAt: number, readerId: string] | null; limit: number };
/** `memberRevision`: the last change of the room's memberships when it was read. */
export type LoadedReaders = { receipts: Receipt[]; memberRevision: number };

export type ReadAtKey = { roomId: string; messageId: string; position: number; viewerId: string };
export const readAtKey = ({ messageId, viewerId }: ReadAtKey) => `${messageId} ${viewerId}`;

export type ReaderKey = { roomId: string; readerId: string; viewerId: string | null };
export const readerKey = ({ roomId, readerId, viewerId }: ReaderKey) => JSON.stringify([roomId, readerId, viewerId]);
export type LoadedThrough = { message: MessageRow | null; memberRevision: number };

export type UnreadKey = { roomId: string; viewerId: string };
export const unreadKey = ({ roomId, viewerId }: UnreadKey) => `${roomId} ${viewerId}`;

export type ReceiptsStore = ReturnType<typeof createReceiptsStore>;

export function createReceiptsStore(database: Database) {
  /** One transaction, which goes through so many gaps; see the functions' comments in the migrations. */
  async function mark(batch: Mark[], maxGaps: number): Promise<Marked[]> {
    type Columns = {
      ord: number;
      outcome: MarkOutcome | "MORE";
      changed_revision: number;
      from_position: number;
      through_position: number;
      read_at: number;
    };
    const values = [
      batch.map((call) => call.roomId),
      batch.map((call) => call.readerId),
      batch.map((call) => call.upToId),
      batch.flatMap((call, index) => call.messageIds.map(() => index + 1)),
      batch.flatMap((call) => call.messageIds),
      maxGaps,
    ];
    const { rows } = await database.query<Columns>({ name: "mark-read", text: MARK, values });
    const marked = batch.map((): Marked => ({ outcome: "READ", isPart: false, ranges: [] }));
    for (const row of rows) {
      const call = marked[row.ord - 1]!;
      if (row.outcome === "MORE") call.isPart = true;
      else call.outcome = row.outcome;
      if (row.outcome !== "READ") continue;
      const { readerId } = batch[row.ord - 1]!;
      const { changed_revision: revision, from_position: from, through_position: through, read_at: readAt } = row;
      call.ranges.push({ readerId, from, through, readAt, revision });
    }
    return marked;
  }

  /** For each message who has read it, earliest first; for a viewer who is not a member nobody. */
  async function readReaders(
    keys: readonly ReadersKey[],
    { after, limit }: ReadersPage,
  ): Promise<Map<string, LoadedReaders>> {
    type Columns = { ord: number; member_revision: number; reader_id: string | null; read_at: number };
    const column = <Key extends keyof ReadersKey>(name: Key) => keys.map((key) => key[name]);
    const asked = [column("roomId"), column("position"), column("senderId"), column("viewerId")];
    const values = [...asked, ...(after ?? [null, null]), limit];
    const { rows } = await database.query<Columns>({ name: "read-readers", text: READ_READERS, values });
    const loaded = new Map<string, LoadedReaders>();
    for (const row of rows) {
      const text = readersKey(keys[row.ord - 1]!);
      const readers = loaded.get(text) ?? { receipts: [], memberRevision: row.member_revision };
      loaded.set(text, readers);
      if (row.reader_id !== null) readers.receipts.push({ readerId: row.reader_id, readAt: row.read_at });
    }
    return loaded;
  }

  /** For each message when the viewer, who is a member, read it. */
  async function readTimes(keys: readonly ReadAtKey[]): Promise<Map<string, number>> {
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.position), keys.map((key) => key.viewerId)];
    const { rows } = await database.query<{ ord: number; read_at: number }>({ name: "read-at", text: READ_AT, values });
    return new Map(rows.map(({ ord, read_at: at }) => [readAtKey(keys[ord - 1]!), at]));
  }

  /** For each member the newest message since joining with nothing unread before it; for a viewer who is not a member none. */
  async function readThrough(keys: readonly ReaderKey[]): Promise<Map<string, LoadedThrough>> {
    type Columns = { ord: number; member_revision: number; row: MessageJson | null };
    const column = <Key extends keyof ReaderKey>(name: Key) => keys.map((key) => key[name]);
    const values = [column("roomId"), column("readerId"), column("viewerId")];
    const { rows } = await database.query<Columns>({ name: "read-through", text: READ_THROUGH, values });
    return new Map(
      rows.map(({ ord, member_revision: memberRevision, row }) => [
        readerKey(keys[ord - 1]!),
        { message: row && messageRow(row), memberRevision },
      ]),
    );
  }

  /** For each room that the viewer is in, how many of others' messages since joining are neither read nor deleted. */
  async function countUnread(keys: readonly UnreadKey[]): Promise<Map<string, number>> {
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.viewerId)];
    const { rows } = await database.query<{ ord: number; unread: number }>({
      name: "count-unread",
      text: COUNT_UNREAD,
      values,
    });
    return new Map(rows.map(({ ord, unread }) => [unreadKey(keys[ord - 1]!), unread]));
  }

  return { mark, readReaders, readTimes, readThrough, countUnread };
}
