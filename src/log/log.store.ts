import type { Database } from "../database/pool.ts";
import type { Change, ChangeKind, RoomRow } from "./changes.ts";
import { changeKinds, memberAsOf, messageAsOf, messageChange } from "./changes.ts";
import type { Position } from "./cursor.ts";
import type { MemberJson, MessageJson, ReadRangeJson, RoomColumns } from "./rows.ts";
import { memberRow, messageRow, readRange, ROOM_COLUMNS, roomRow } from "./rows.ts";

/** What one reader has coming of one room. */
export type RoomPage = {
  roomId: string;
  after: number;
  /** In the order of their revisions. */
  changes: Change[];
  /** Everything up to here is in this page, or was before it. */
  through: number;
  /** Nothing was left to read in the snapshot of this page. */
  complete: boolean;
  /** The newest revision that the reader may see: the room's, or that of their removal. */
  bound: number;
  /** The revision at which the reader left; null while a member. */
  leftRevision: number | null;
};

export type CatchUp = { pages: RoomPage[]; /** Rooms that changed and did not fit. */ more: boolean };

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
// since at its last change; so do memberships. Each table gives at most a page (`$4`) and one row more, which tells that
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

type PageColumns = RoomColumns & {
  room_id: string;
  after: number;
  left_revision: number | null;
  bound: number;
  rank: number;
  type: "message" | "receipt" | "joined" | "member" | null;
  row_revision: number | null;
  row: unknown;
  more?: boolean;
  leavers?: string[];
};

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
      const page = pageOfRows(group, limit, kinds);
      return page.complete ? withOwnLeave(page, group[0]!, userId, kinds) : page;
    });
    return cut(pages, limit, rows[0]?.more ?? false);
  }

  /** The same for nobody in particular. Null where there is no such room. */
  async function readForNode(position: Position, limit: number): Promise<Gap | null> {
    const values = [position.roomId, position.revision, limit, ...flags(allKinds)];
    const { rows } = await database.query<PageColumns>({ name: "log-read-for-node", text: READ_FOR_NODE, values });
    const [head] = rows;
    if (!head) return null;
    const { changes, through, complete } = pageOfRows(rows, limit, allKinds);
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

function* byRoom(rows: PageColumns[]): Generator<PageColumns[]> {
  let start = 0;
  for (let end = 1; end <= rows.length; end++) {
    if (end < rows.length && rows[end]!.room_id === rows[start]!.room_id) continue;
    yield rows.slice(start, end);
    start = end;
  }
}

/** The first row is the room's own; the others are what was found, in the order of their revisions. */
function pageOfRows(rows: PageColumns[], limit: number, kinds: ReadonlySet<ChangeKind>): RoomPage {
  const head = rows[0]!;
  const found = rows.slice(1);
  // A table that gave more rows than a page holds may have more behind them.
  const end = Math.max(head.bound, head.after);
  const ends = (["message", "receipt", "joined", "member"] as const).map((table) =>
    endOfFullTable(found, table, limit),
  );
  const through = Math.min(end, ...ends.filter((full) => full !== null));
  const changes = found.filter((row) => row.row_revision! <= through).reduce(addChange(head.left_revision), []);
  if (kinds.has("ROOM") && head.room_revision > head.after && head.room_revision <= through) {
    changes.push({ type: "RoomUpdated", revision: head.room_revision });
    changes.sort((a, b) => a.revision - b.revision);
  }
  const { room_id: roomId, after, bound, left_revision: leftRevision } = head;
  return { roomId, after, changes, through, complete: through === end, bound, leftRevision };
}

// Messages come from two selects of up to limit + 1 rows; counting both together at most ends the page early. Receipts
// come with all rows of the last revision, so the page may end with it.
function endOfFullTable(found: PageColumns[], table: PageColumns["type"], limit: number): number | null {
  const rows = found.filter((row) => row.type === table);
  if (rows.length <= limit) return null;
  return table === "receipt" ? rows.at(-1)!.row_revision! : rows[limit]!.row_revision! - 1;
}

function addChange(leftRevision: number | null) {
  return (changes: Change[], row: PageColumns): Change[] => {
    const revision = row.row_revision!;
    const last = changes.at(-1);
    if (row.type === "receipt") {
      const range = readRange(row.row as ReadRangeJson);
      if (last?.type === "MessagesRead" && last.revision === revision) last.ranges.push(range);
      else changes.push({ type: "MessagesRead", revision, ranges: [range] });
    } else if (row.type === "message") {
      const message = messageAsOf(messageRow(row.row as MessageJson), leftRevision);
      // Told at its position, a message is sent, whatever became of it since.
      changes.push(revision === message.position ? { type: "MessageSent", revision, message } : messageChange(message));
    } else {
      const member = memberAsOf(memberRow(row.row as MemberJson), leftRevision);
      if (row.type === "joined") changes.push({ type: "MemberJoined", revision, member });
      else changes.push({ type: member.leftRevision === null ? "MemberUpdated" : "MemberLeft", revision, member });
    }
    return changes;
  };
}

/** A removed member is told so whatever kinds were asked for. */
function withOwnLeave(page: RoomPage, head: PageColumns, userId: string, kinds: ReadonlySet<ChangeKind>): RoomPage {
  const { roomId, leftRevision, after } = page;
  if (leftRevision === null || leftRevision <= after || kinds.has("MEMBER")) return page;
  const member = {
    roomId,
    userId,
    role: "MEMBER" as const,
    revision: leftRevision,
    joinedRevision: 0,
    joinedAt: head.created_at,
    leftRevision,
    leftAt: null,
  };
  return { ...page, changes: [...page.changes, { type: "MemberLeft", revision: leftRevision, member }] };
}

/** At most `limit` changes over all rooms, the rooms in their order. */
function cut(pages: RoomPage[], limit: number, more: boolean): CatchUp {
  const kept: RoomPage[] = [];
  let left = limit;
  let rest = more;
  for (const page of pages) {
    if (page.changes.length > left) {
      rest = true;
      if (left === 0) continue;
      const changes = page.changes.slice(0, left);
      kept.push({ ...page, changes, through: changes.at(-1)!.revision, complete: false });
      left = 0;
      continue;
    }
    left -= page.changes.length;
    kept.push(page);
    if (!page.complete) rest = true;
  }
  return { pages: kept, more: rest };
}
