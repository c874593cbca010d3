import type { Database, Queryable } from "../database/pool.ts";
import type { MemberRole, MemberRow, RoomKind, RoomRow } from "../log/changes.ts";
import type { MemberJson, RoomColumns } from "../log/rows.ts";
import { memberRow, ROOM_COLUMNS, roomRow } from "../log/rows.ts";

const INSERT_ROOM = `
insert into rooms (id, kind, name, created_at, active_at, revision)
select $1, $2, $3, now.at, now.at, 0 from (select date_trunc('milliseconds', clock_timestamp()) as at) now
on conflict (id) do nothing
returning created_at`;

// $1, $2, $3: as many of each as members.
const SAVE_MEMBERS = `
insert into members (room_id, user_id, role, revision, joined_revision, joined_at)
select $4, m.user_id, m.role, m.revision, m.revision, to_timestamp($5 / 1000.0)
from unnest($1::text[], $2::text[], $3::bigint[]) as m (user_id, role, revision)
on conflict (room_id, user_id) do update set role = excluded.role, revision = excluded.revision,
  joined_revision = excluded.joined_revision, joined_at = excluded.joined_at, left_revision = null, left_at = null`;

const SAVE_ROLE = `update members set role = $3, revision = $4 where room_id = $1 and user_id = $2`;

const SAVE_LEAVE = `
update members set revision = $3, left_revision = $3, left_at = to_timestamp($4 / 1000.0) where room_id = $1 and user_id = $2`;

const READ_MEMBER_ROWS = `select to_jsonb(m) as row from members m where m.room_id = $1 and m.user_id = any ($2::text[])`;

const COUNT_OWNERS = `select count(*) as owners from members where room_id = $1 and left_revision is null and role = 'OWNER'`;

const READ_LONGEST_STANDING = `
select to_jsonb(m) as row from members m where m.room_id = $1 and m.left_revision is null order by m.joined_revision limit 1`;

// In the order of their ids, after the room: so two transactions never wait for each other.
const LOCK_USERS = `select from users where id = any ($1::text[]) order by id for no key update`;

// How many rooms each of the users is in; users that do not exist are left out.
const COUNT_ROOMS = `
select u.id, (select count(*) from members m where m.user_id = u.id and m.left_revision is null) as rooms
from users u where u.id = any ($1::text[])`;

const READ_VIEWS = `
select ${ROOM_COLUMNS}, asked.ord, to_jsonb(m) as membership
from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, viewer_id, ord)
join rooms r on r.id = asked.room_id
left join members m on m.room_id = r.id and m.user_id = asked.viewer_id`;

const READ_ROOMS_OF_VIEWER = `
select ${ROOM_COLUMNS}, to_jsonb(m) as membership, r.active_at
from members m join rooms r on r.id = m.room_id
where m.user_id = $1 and m.left_revision is null
  and ($2::bigint is null or (r.active_at, r.id) < (to_timestamp($2::bigint / 1000.0), $3::uuid))
order by r.active_at desc, r.id desc
limit $4`;

const READ_MEMBER_PAGES = `
select p.row, asked.ord
from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, viewer_id, ord)
join members viewer on viewer.room_id = asked.room_id and viewer.user_id = asked.viewer_id and viewer.left_revision is null
cross join lateral (
  select to_jsonb(m) as row, m.joined_revision from members m
  where m.room_id = asked.room_id and m.left_revision is null and m.joined_revision > $3
  order by m.joined_revision limit $4
) p
order by asked.ord, p.joined_revision`;

const READ_MEMBERS = `
select asked.ord from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, user_id, ord)
join members m on m.room_id = asked.room_id and m.user_id = asked.user_id and m.left_revision is null`;

const READ_PEERS = `
select m.room_id, m.user_id from members m join rooms r on r.id = m.room_id and r.kind = 'DIRECT' where m.room_id = any ($1::uuid[])
order by m.left_revision is not null`;

/** A room as one viewer sees it. `membership` is null where the viewer never was in it, or where nobody in particular asks. */
export type RoomView = { row: RoomRow; membership: MemberRow | null };
/** Members who joined after a revision. */
export type MemberPage = { after: number; limit: number };
export type ViewKey = { roomId: string; viewerId: string | null };
export const viewKey = ({ roomId, viewerId }: ViewKey) => `${roomId} ${viewerId ?? ""}`;
export type RoomOfUser = { roomId: string; userId: string };
export type ListedRoom = RoomView & { activeAt: number };

export type RoomsStore = ReturnType<typeof createRoomsStore>;

export function createRoomsStore(database: Database) {
  async function readViews(keys: readonly ViewKey[]): Promise<Map<string, RoomView>> {
    type Columns = RoomColumns & { ord: number; membership: MemberJson | null };
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.viewerId)];
    const { rows } = await database.query<Columns>({ name: "read-room-views", text: READ_VIEWS, values });
    return new Map(rows.map((row) => [viewKey(keys[row.ord - 1]!), viewOf(row)]));
  }

  async function readRoomsOfViewer(query: {
    viewerId: string;
    after: [number, string] | null;
    limit: number;
  }): Promise<ListedRoom[]> {
    type Columns = RoomColumns & { membership: MemberJson; active_at: number };
    const values = [query.viewerId, ...(query.after ?? [null, null]), query.limit];
    const { rows } = await database.query<Columns>({
      name: "read-rooms-of-viewer",
      text: READ_ROOMS_OF_VIEWER,
      values,
    });
    return rows.map((row) => ({ ...viewOf(row), activeAt: row.active_at }));
  }

  /** For each room the members who joined after a revision, in the order of joining; only rooms that the viewer is in. */
  async function readMemberPages(
    keys: readonly ViewKey[],
    { after, limit }: MemberPage,
  ): Promise<Map<string, MemberRow[]>> {
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.viewerId), after, limit];
    const { rows } = await database.query<{ row: MemberJson; ord: number }>({
      name: "read-member-pages",
      text: READ_MEMBER_PAGES,
      values,
    });
    const pages = new Map<string, MemberRow[]>(keys.map((key) => [viewKey(key), []]));
    for (const { row, ord } of rows) pages.get(viewKey(keys[ord - 1]!))!.push(memberRow(row));
    return pages;
  }

  /** The two users of each direct room, who they were before an erasure last. */
  async function readPairs(roomIds: readonly string[]): Promise<Map<string, string[]>> {
    const { rows } = await database.query<{ room_id: string; user_id: string }>({
      name: "read-pairs",
      text: READ_PEERS,
      values: [roomIds],
    });
    const pairs = new Map<string, string[]>();
    for (const { room_id, user_id } of rows) pairs.set(room_id, [...(pairs.get(room_id) ?? []), user_id]);
    return pairs;
  }

  /** Those who are members of the room that is named with them. */
  async function readMembers(asked: readonly RoomOfUser[]): Promise<RoomOfUser[]> {
    const values = [asked.map(({ roomId }) => roomId), asked.map(({ userId }) => userId)];
    const { rows } = await database.query<{ ord: number }>({ name: "read-members", text: READ_MEMBERS, values });
    return rows.map(({ ord }) => asked[ord - 1]!);
  }

  return { readViews, readRoomsOfViewer, readMemberPages, readPairs, readMembers };
}

function viewOf(row: RoomColumns & { membership: MemberJson | null }): RoomView {
  return { row: roomRow(row), membership: row.membership && memberRow(row.membership) };
}

/** Null where a room of that id is there already. */
export async function insertRoom(
  tx: Queryable,
  room: { id: string; kind: RoomKind; name: string | null },
): Promise<{ row: RoomRow; now: number } | null> {
  const values = [room.id, room.kind, room.name];
  const { rows } = await tx.query<{ created_at: number }>({ name: "insert-room", text: INSERT_ROOM, values });
  if (!rows[0]) return null;
  const now = rows[0].created_at;
  return { row: { ...room, createdAt: now, memberCount: 0, revision: 0, roomRevision: 0, memberRevision: 0 }, now };
}

/** Of one room, who all join at one time. One statement, however many they are. */
export async function saveMembers(tx: Queryable, members: readonly MemberRow[]): Promise<void> {
  const [first] = members;
  if (!first) return;
  const column = <Name extends keyof MemberRow>(name: Name) => members.map((member) => member[name]);
  const values = [column("userId"), column("role"), column("joinedRevision"), first.roomId, first.joinedAt];
  await tx.query({ name: "save-members", text: SAVE_MEMBERS, values });
}

export async function saveRole(tx: Queryable, member: MemberRow): Promise<void> {
  await tx.query({
    name: "save-role",
    text: SAVE_ROLE,
    values: [member.roomId, member.userId, member.role, member.revision],
  });
}

export async function saveLeave(tx: Queryable, member: MemberRow): Promise<void> {
  await tx.query({
    name: "save-leave",
    text: SAVE_LEAVE,
    values: [member.roomId, member.userId, member.revision, member.leftAt],
  });
}

export async function readMemberRows(
  tx: Queryable,
  roomId: string,
  userIds: string[],
): Promise<Map<string, MemberRow>> {
  const { rows } = await tx.query<{ row: MemberJson }>({
    name: "read-member-rows",
    text: READ_MEMBER_ROWS,
    values: [roomId, userIds],
  });
  return new Map(rows.map(({ row }) => [row.user_id, memberRow(row)]));
}

export async function countOwners(tx: Queryable, roomId: string): Promise<number> {
  const { rows } = await tx.query<{ owners: number }>({ name: "count-owners", text: COUNT_OWNERS, values: [roomId] });
  return rows[0]!.owners;
}

export async function readLongestStanding(tx: Queryable, roomId: string): Promise<MemberRow | null> {
  const { rows } = await tx.query<{ row: MemberJson }>({
    name: "read-longest-standing",
    text: READ_LONGEST_STANDING,
    values: [roomId],
  });
  return rows[0] ? memberRow(rows[0].row) : null;
}

/** Nobody else changes how many rooms the users are in until the transaction ends. */
export async function countRooms(tx: Queryable, userIds: string[]): Promise<Map<string, number>> {
  // A statement of its own: the count sees what was committed while this one waited.
  await tx.query({ name: "lock-users", text: LOCK_USERS, values: [userIds] });
  const { rows } = await tx.query<{ id: string; rooms: number }>({
    name: "count-rooms",
    text: COUNT_ROOMS,
    values: [userIds],
  });
  return new Map(rows.map((row) => [row.id, row.rooms]));
}

export const isManager = (role: MemberRole) => role !== "MEMBER";
