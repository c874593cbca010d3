import type { Database, Queryable } from "../database/pool.ts";
import { notFound } from "../errors.ts";
import type { Change, RoomRow, UserRow } from "./changes.ts";
import { kindOf } from "./changes.ts";
import type { Hub } from "./hub.ts";
import type { RoomColumns } from "./rows.ts";
import { ROOM_COLUMNS, roomRow } from "./rows.ts";

/** A room whose row is locked by the running transaction. What `work` changes of it is written at the end. */
export type LockedRoom = {
  tx: Queryable;
  row: RoomRow;
  /** The database's clock, read under the lock. */
  now: number;
  /** Takes the next revision. */
  next(): number;
};

export type Work<Result> = {
  result: Result;
  /** In the order of the revisions taken, one for each. */
  changes: Change[];
  /** Users whose memberships changed. */
  memberships?: string[];
  /** Users that the changes name, where they are at hand. */
  users?: UserRow[];
};

const LOCK_ROOM = `
select ${ROOM_COLUMNS}, date_trunc('milliseconds', clock_timestamp()) as now from rooms r where r.id = $1 for no key update`;

const UPDATE_ROOM = `
update rooms set revision = $2, name = $3, member_count = $4,
  member_revision = greatest(member_revision, $5), room_revision = greatest(room_revision, $6),
  message_revision = greatest(message_revision, $7)
where id = $1`;

// Users are locked in the order of their ids, after the one room: so two transactions never wait for each other.
const RAISE_USERS = `
with locked as (select id from users where id = any ($1::text[]) order by id for no key update)
update users set revision = revision + 1 from locked where users.id = locked.id
returning users.id, users.revision`;

export type RoomLog = ReturnType<typeof createRoomLog>;

/** Durable changes of rooms and memberships: one room and one transaction each, published after the commit. */
export function createRoomLog({ database, hub }: { database: Database; hub: Pick<Hub, "publish" | "publishUser"> }) {
  /**
   * Runs `work` under the lock of the room's row. Where there is none, `asIfThere` runs first: what `work` would do for one
   * who is not a member, so that the time it takes tells nobody which it was.
   * @throws Refusal NOT_FOUND where there is no such room, and whatever `work` throws: then nothing has changed
   */
  async function change<Result>(
    roomId: string,
    work: (room: LockedRoom) => Promise<Work<Result>>,
    asIfThere: (tx: Queryable) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Result> {
    return commit(async (tx) => {
      const { rows } = await tx.query<RoomColumns & { now: number }>({
        name: "lock-room",
        text: LOCK_ROOM,
        values: [roomId],
      });
      const [columns] = rows;
      if (!columns) {
        await asIfThere(tx);
        throw notFound("room", ["roomId"]);
      }
      return lockedRoom(tx, roomRow(columns), columns.now);
    }, work);
  }

  /** The same for a room that `work` is the first to write about; `insert` creates its row. */
  async function create<Result>(
    insert: (tx: Queryable) => Promise<{ row: RoomRow; now: number }>,
    work: (room: LockedRoom) => Promise<Work<Result>>,
  ): Promise<Result> {
    return commit(async (tx) => {
      const { row, now } = await insert(tx);
      return lockedRoom(tx, row, now);
    }, work);
  }

  async function commit<Result>(
    open: (tx: Queryable) => Promise<LockedRoom>,
    work: (room: LockedRoom) => Promise<Work<Result>>,
  ): Promise<Result> {
    const { room, done, raised } = await database.transaction(async (tx) => {
      const locked = await open(tx);
      const worked = await work(locked);
      if (worked.changes.length > 0) await updateRoom(tx, locked.row, worked.changes);
      return { room: locked.row, done: worked, raised: await raiseUsers(tx, worked.memberships ?? []) };
    });
    // Publish after commit: a reader must never be told of a row that it cannot fetch.
    if (done.changes.length > 0) {
      hub.publish({ roomId: room.id, changes: done.changes, users: done.users ?? [], messages: [], room });
    }
    for (const { id, revision } of raised) hub.publishUser(id, revision);
    return done.result;
  }

  return { change, create };
}

function lockedRoom(tx: Queryable, row: RoomRow, now: number): LockedRoom {
  const next = () => (row.revision += 1);
  return { tx, row, now, next };
}

async function updateRoom(tx: Queryable, row: RoomRow, changes: Change[]): Promise<void> {
  const newest = (kind: "MEMBER" | "ROOM" | "MESSAGE") =>
    Math.max(0, ...changes.filter((c) => kindOf[c.type] === kind).map((c) => c.revision));
  row.memberRevision = Math.max(row.memberRevision, newest("MEMBER"));
  row.roomRevision = Math.max(row.roomRevision, newest("ROOM"));
  const values = [
    row.id,
    row.revision,
    row.name,
    row.memberCount,
    row.memberRevision,
    row.roomRevision,
    newest("MESSAGE"),
  ];
  await tx.query({ name: "update-room", text: UPDATE_ROOM, values });
}

async function raiseUsers(tx: Queryable, userIds: string[]): Promise<{ id: string; revision: number }[]> {
  if (userIds.length === 0) return [];
  const { rows } = await tx.query<{ id: string; revision: number }>({
    name: "raise-users",
    text: RAISE_USERS,
    values: [userIds],
  });
  return rows;
}
