import type { Database } from "../database/pool.ts";
import type { Change, ChangeKind, RoomRow } from "./changes.ts";
import { changeKinds } from "./changes.ts";
import type { Position } from "./cursor.ts";
import { byRoom, cut, pageOfRows, withOwnLeave, type CatchUp, type PageColumns } from "./room-page.ts";
import type { RoomColumns } from "./rows.ts";
import { ROOM_COLUMNS, roomRow } from "./rows.ts";

/** What a node that fell behind reads of a room for all who watch it. */
export type Gap = {
  changes: Change[];
  through: number;
  complete: boolean;
  room: RoomRow;
  /** Who left between the position and the snapshot: the page may hold later states than they may see. */
  leavers: Set<string>;
};

/** The last revision of each kind. */
export type KindRevisions = Record<ChangeKind, number>;
export type RoomHead = { room: RoomRow; last: KindRevisions };

// One statement, one snapshot. A message created after the position comes at its position, an older one that changed
// since at its last change; so do memberships. Each table gives at most a page (`$3`) and one row more, which tells that
// there is more. Rooms are taken in the order of their ids until the revisions between position and bound, of which
// each can be an event, fill a page.
const pageOf = (rooms: string) => `
page as materialized (
  select * from (
    select *, coalesce(sum(greatest(bound - after, 0)) over (order by room_id rows between unbounded preceding and 1 preceding), 0) as before
    from ${rooms}
  ) counted
  where before < $3 or bound <= after
),
found as (
  select p.room_id, c.type, c.revision, c.row from page p cross join lateral (
    (select 'message' as type, m.position as revision, message_json(m) as row from messages m
      where $4 and m.room_id = p.room_id and m.position > p.after and m.position <= p.bound
      order by m.position limit $3 + 1)
    union all
    (select 'message', m.revision, message_json(m) from messages m
      where $4 and m.room_id = p.room_id and m.revision > m.position
        and m.revision > p.after and m.revision <= p.bound and m.position <= p.after
      order by m.revision limit $3 + 1)
    union all
    (select 'receipt', r.revision, to_jsonb(r) from read_ranges r
      where $5 and r.room_id = p.room_id and r.revision > p.after and r.revision <= p.bound
      order by r.revision fetch first ($3 + 1) rows with ties)
    union all
    (select 'joined', m.joined_revision, to_jsonb(m) from members m
      where $6 and m.room_id = p.room_id and m.joined_revision > p.after and m.joined_revision <= p.bound
      order by m.joined_revision limit $3 + 1)
    union all
    (select 'member', m.revision, to_jsonb(m) from members m
      where $6 and m.room_id = p.room_id and m.revision > p.after and m.revision <= p.bound
        and (m.joined_revision <= p.after or m.left_revision is not null)
      order by m.revision limit $3 + 1)
  ) c
  where p.bound > p.after
)`;

const SELECT_PAGE = `
select p.*, 0 as rank, null as type, null as row_revision, null as row from page p
union all
select p.*, 1, f.type, f.revision, f.row from found f join page p using (room_id)
order by room_id, rank, row_revision`;

/** $1 rooms, $2 positions, $3 page size, $4 to $6 kinds, $7 the reader. */
const READ_FOR_MEMBER = `
with asked as (select * from unnest($1::uuid[], $2::bigint[]) as t (room_id, after)),
rooms_asked as (
  select a.room_id, a.after, m.left_revision, coalesce(m.left_revision, r.revision) as bound,
    ${ROOM_COLUMNS}
  from asked a
  join rooms r on r.id = a.room_id
  join members m on m.room_id = a.room_id and m.user_id = $7
),
${pageOf("rooms_asked")}, counted_more as (select exists (
  select from rooms_asked a where a.bound > a.after and not exists (select from page p where p.room_id = a.room_id)) as more)
select s.*, (select more from counted_more) from (${SELECT_PAGE}) s`;

/** $1 one room, $2 its position, $3 page size, $4 to $6 kinds. */
const READ_FOR_NODE = `
with rooms_asked as (
  select r.id as room_id, $2::bigint as after, null::bigint as left_revision, r.revision as bound,
    ${ROOM_COLUMNS}
  from rooms r where r.id = $1
),
${pageOf("rooms_asked")}
select s.*, (select coalesce(array_agg(m.user_id), '{}') from members m
  where s.rank = 0 and m.room_id = s.room_id and m.left_revision > $2) as leavers
from (${SELECT_PAGE}) s`;

const READ_HEADS = `
select ${ROOM_COLUMNS}, r.message_revision, r.receipt_revision from rooms r where r.id = any ($1::uuid[])`;

const READ_MEMBERSHIPS = `
select m.room_id, m.joined_revision, m.left_revision, r.revision
from members m join rooms r on r.id = m.room_id
where m.user_id = $1 and m.room_id = any ($2::uuid[])`;

const READ_ROOMS_OF_USER = `
select u.revision as user_revision, m.room_id, m.joined_revision, r.revision
from users u
left join members m on m.user_id = u.id and m.left_revision is null
left join rooms r on r.id = m.room_id
where u.id = $1`;

const READ_REVISIONS = `
select r.id::text as id, r.revision, true as room from rooms r where r.id = any ($1::uuid[])
union all
select u.id, u.revision, false from users u where u.id = any ($2::text[])`;

export type Membership = { roomId: string; joinedRevision: number; leftRevision: number | null; roomRevision: number };

export type LogStore = ReturnType<typeof createLogStore>;

export function createLogStore(database: Database) {
  const allKinds: ReadonlySet<ChangeKind> = new Set(changeKinds);
  const flags = (kinds: ReadonlySet<ChangeKind>) => [kinds.has("MESSAGE"), kinds.has("RECEIPT"), kinds.has("MEMBER")];

  /**
   * Everything of these kinds that changed after the positions and that the reader may see, oldest first within a room,
   * at most `limit` changes. Rooms that the reader never was in have no page. A position that is ahead of the room has
   * a page whose bound is below it.
   */
  async function readForMember(query: {
    userId: string;
    after: Position[];
    limit: number;
    kinds?: ReadonlySet<ChangeKind>;
  }): Promise<CatchUp> {
    const { userId, after, limit, kinds = allKinds } = query;
    const values = [after.map((p) => p.roomId), after.map((p) => p.revision), limit, ...flags(kinds), userId];
    const { rows } = await database.query<PageColumns>({ name: "log-read-for-member", text: READ_FOR_MEMBER, values });
    const pages = [...byRoom(rows)].map((group) => {
      const page = pageOfRows(group, { limit, kinds });
      return page.complete ? withOwnLeave(page, { head: group[0]!, userId, kinds }) : page;
    });
    return cut(pages, { limit, more: rows[0]?.more ?? false });
  }

  /** The same for nobody in particular. Null where there is no such room. */
  async function readForNode(position: Position, limit: number): Promise<Gap | null> {
    const values = [position.roomId, position.revision, limit, ...flags(allKinds)];
    const { rows } = await database.query<PageColumns>({ name: "log-read-for-node", text: READ_FOR_NODE, values });
    const [head] = rows;
    if (!head) return null;
    const { changes, through, complete } = pageOfRows(rows, { limit, kinds: allKinds });
    return { changes, through, complete, room: roomRow(head), leavers: new Set(head.leavers) };
  }

  async function readHeads(roomIds: string[]): Promise<RoomHead[]> {
    type Columns = RoomColumns & { message_revision: number; receipt_revision: number };
    const { rows } = await database.query<Columns>({ name: "log-read-heads", text: READ_HEADS, values: [roomIds] });
    return rows.map((row) => ({
      room: roomRow(row),
      last: {
        MESSAGE: row.message_revision,
        RECEIPT: row.receipt_revision,
        MEMBER: row.member_revision,
        ROOM: row.room_revision,
      },
    }));
  }

  /** The memberships that the user has or had in these rooms. */
  async function readMemberships(userId: string, roomIds: string[]): Promise<Membership[]> {
    type Columns = { room_id: string; joined_revision: number; left_revision: number | null; revision: number };
    const { rows } = await database.query<Columns>({
      name: "log-read-memberships",
      text: READ_MEMBERSHIPS,
      values: [userId, roomIds],
    });
    return rows.map((row) => ({
      roomId: row.room_id,
      joinedRevision: row.joined_revision,
      leftRevision: row.left_revision,
      roomRevision: row.revision,
    }));
  }

  /** The rooms that the user is a member of, and the user's revision, in one snapshot. */
  async function readRoomsOfUser(userId: string): Promise<{ revision: number; rooms: Membership[] }> {
    type Columns = { user_revision: number; room_id: string | null; joined_revision: number; revision: number };
    const { rows } = await database.query<Columns>({
      name: "log-read-rooms-of-user",
      text: READ_ROOMS_OF_USER,
      values: [userId],
    });
    const rooms = rows.flatMap((row) =>
      row.room_id === null
        ? []
        : [
            {
              roomId: row.room_id,
              joinedRevision: row.joined_revision,
              leftRevision: null,
              roomRevision: row.revision,
            },
          ],
    );
    return { revision: rows[0]?.user_revision ?? 0, rooms };
  }

  /** The present revisions of rooms and users. */
  async function readRevisions(roomIds: string[], userIds: string[]) {
    type Columns = { id: string; revision: number; room: boolean };
    const { rows } = await database.query<Columns>({
      name: "log-read-revisions",
      text: READ_REVISIONS,
      values: [roomIds, userIds],
    });
    const rooms = new Map<string, number>();
    const users = new Map<string, number>();
    for (const row of rows) (row.room ? rooms : users).set(row.id, row.revision);
    return { rooms, users };
  }

  return { readForMember, readForNode, readHeads, readMemberships, readRoomsOfUser, readRevisions };
}
