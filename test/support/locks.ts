import type { Sql } from "./sql.ts";
import { until } from "./until.ts";

/** Locks a room's row as a change of it does, until the transaction of `sql` ends. */
export async function lockRoom(sql: Sql, roomId: string): Promise<void> {
  await sql.rows("begin");
  await sql.row("select id from rooms where id = $1 for no key update", [roomId]);
}

/** Resolves when `count` others wait for a lock that this connection holds. */
export function othersWait(sql: Sql, observer: Sql, count = 1): Promise<void> {
  return until(`${count} wait for the lock`, async () => {
    const text = "select count(*)::int as waiting from pg_stat_activity where $1 = any (pg_blocking_pids(pid))";
    return (await observer.row<{ waiting: number }>(text, [sql.pid])).waiting >= count;
  });
}

/** Removes a member as the room log does, within the transaction that holds the room's lock. */
export async function removeMember(sql: Sql, roomId: string, userId: string): Promise<void> {
  await sql.rows(
    `with room as (update rooms set revision = revision + 1, member_revision = revision + 1, member_count = member_count - 1
       where id = $1 returning revision)
     update members set revision = room.revision, left_revision = room.revision, left_at = now() from room
     where room_id = $1 and user_id = $2`,
    [roomId, userId],
  );
}
