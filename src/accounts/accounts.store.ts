import type { Database } from "../database/pool.ts";
import type { UserRow } from "../log/changes.ts";
import { derivedId, erasedIdPrefix } from "../log/ids.ts";
import type { UserColumns } from "../log/rows.ts";
import { userRow } from "../log/rows.ts";

// Nothing is written, nor locked, where nothing has changed.
const SAVE_PROFILE = `
insert into users (id, name, avatar_url)
select $1, $2, $3
where not exists (select from users where id = $1 and name = $2 and avatar_url is not distinct from $3)
on conflict (id) do update set name = excluded.name, avatar_url = excluded.avatar_url`;

const SAVE_LOST = `insert into users (id, name, avatar_url) values ($1, $2, $3) on conflict (id) do nothing`;

const READ_USERS = `select id, name, avatar_url from users where id = any ($1::text[])`;

// The exact id, and all whose name begins so; $3 and $4 are the place in the list.
const SEARCH_USERS = `
select id, name, avatar_url, lower(name) as sort_name from users
where (id = $1 or lower(name) like lower($2)) and id not like '${erasedIdPrefix}%' and (lower(name), id) > ($3, $4)
order by lower(name), id
limit $5`;

const MARK_REVOKED = `
insert into revocations (user_key, revoked_at) values ($1, clock_timestamp())
on conflict (user_key) do update set revoked_at = excluded.revoked_at`;

// At least one row, for the time. What was committed late has an earlier time than what is known: so the minute.
const READ_REVOCATIONS = `
select r.user_key, extract(epoch from r.revoked_at)::float8 * 1000 as revoked_at_ms,
  extract(epoch from asked.at)::float8 * 1000 as now_ms
from (select now() as at) asked
left join revocations r on r.revoked_at > coalesce(to_timestamp($1::float8 / 1000), asked.at) - interval '1 minute'`;

const FORGET_REVOCATIONS = `delete from revocations where revoked_at < now() - interval '1 day'`;

export type FoundUser = UserRow & { sortName: string };
/** When each user was revoked last, by `revocationKey`, and what time it is now. */
export type ReadRevocations = { revokedAtMs: ReadonlyMap<string, number>; nowMs: number };
export type AccountsStore = ReturnType<typeof createAccountsStore>;

/** What stands for a user among the revocations. */
export const revocationKey = (userId: string) => derivedId("revocation", userId);

export function createAccountsStore(database: Database) {
  async function saveProfile({ id, name, avatarUrl }: UserRow): Promise<void> {
    await database.query({ name: "save-profile", text: SAVE_PROFILE, values: [id, name, avatarUrl] });
  }

  /** False where the user is there, with whatever profile. */
  async function saveLost({ id, name, avatarUrl }: UserRow): Promise<boolean> {
    const saved = await database.query({ name: "save-lost", text: SAVE_LOST, values: [id, name, avatarUrl] });
    return saved.rowCount === 1;
  }

  /** Those that exist, by id. */
  async function read(ids: readonly string[]): Promise<Map<string, UserRow>> {
    const { rows } = await database.query<UserColumns>({ name: "read-users", text: READ_USERS, values: [ids] });
    return new Map(rows.map((row) => [row.id, userRow(row)]));
  }

  async function search(query: { text: string; after: [string, string] | null; limit: number }): Promise<FoundUser[]> {
    const prefix = `${query.text.replaceAll(/[\\%_]/g, "\\$&")}%`;
    const values = [query.text, prefix, ...(query.after ?? ["", ""]), query.limit];
    const { rows } = await database.query<UserColumns & { sort_name: string }>({
      name: "search-users",
      text: SEARCH_USERS,
      values,
    });
    return rows.map((row) => ({ ...userRow(row), sortName: row.sort_name }));
  }

  async function markRevoked(id: string): Promise<void> {
    await database.query({ name: "mark-revoked", text: MARK_REVOKED, values: [revocationKey(id)] });
  }

  /** Those of the minute before the given time and since, null: the present. Times are the database's. */
  async function readRevocations(sinceMs: number | null): Promise<ReadRevocations> {
    type Columns = { user_key: string | null; revoked_at_ms: number; now_ms: number };
    const { rows } = await database.query<Columns>({
      name: "read-revocations",
      text: READ_REVOCATIONS,
      values: [sinceMs],
    });
    const revoked = rows.filter((row) => row.user_key !== null);
    return {
      revokedAtMs: new Map(revoked.map((row) => [row.user_key!, row.revoked_at_ms])),
      nowMs: rows[0]!.now_ms,
    };
  }

  /** Those that every node has read long since. */
  async function forgetRevocations(): Promise<void> {
    await database.query({ name: "forget-revocations", text: FORGET_REVOCATIONS });
  }

  return { saveProfile, saveLost, read, search, markRevoked, readRevocations, forgetRevocations };
}
