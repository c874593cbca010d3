import type { Database } from "../database/pool.ts";
import type { UserRow } from "../log/changes.ts";
import { erasedIdPrefix } from "../log/ids.ts";
import type { UserColumns } from "../log/rows.ts";
import { userRow } from "../log/rows.ts";

// Nothing is written where nothing has changed.
const SAVE_PROFILE = `
insert into users (id, name, avatar_url) values ($1, $2, $3)
on conflict (id) do update set name = excluded.name, avatar_url = excluded.avatar_url
where (users.name, users.avatar_url) is distinct from (excluded.name, excluded.avatar_url)`;

const READ_USERS = `select id, name, avatar_url from users where id = any ($1::text[])`;

// The exact id, and all whose name begins so; $3 and $4 are the place in the list.
const SEARCH_USERS = `
select id, name, avatar_url, lower(name) as sort_name from users
where (id = $1 or lower(name) like $2) and id not like '${erasedIdPrefix}%' and (lower(name), id) > ($3, $4)
order by lower(name), id
limit $5`;

const MARK_REVOKED = `update users set revoked_at = clock_timestamp() where id = $1`;

// Who is not there any more was erased, which revokes too.
const READ_REVOKED = `
select asked.id from unnest($1::text[]) as asked (id) left join users on users.id = asked.id
where users.id is null or users.revoked_at > clock_timestamp() - make_interval(secs => $2)`;

export type FoundUser = UserRow & { sortName: string };
export type AccountsStore = ReturnType<typeof createAccountsStore>;

export function createAccountsStore(database: Database) {
  async function saveProfile({ id, name, avatarUrl }: UserRow): Promise<void> {
    await database.query({ name: "save-profile", text: SAVE_PROFILE, values: [id, name, avatarUrl] });
  }

  /** Those that exist, by id. */
  async function read(ids: readonly string[]): Promise<Map<string, UserRow>> {
    const { rows } = await database.query<UserColumns>({ name: "read-users", text: READ_USERS, values: [ids] });
    return new Map(rows.map((row) => [row.id, userRow(row)]));
  }

  async function search(query: { text: string; after: [string, string] | null; limit: number }): Promise<FoundUser[]> {
    const prefix = `${query.text.toLowerCase().replaceAll(/[\\%_]/g, "\\$&")}%`;
    const values = [query.text, prefix, ...(query.after ?? ["", ""]), query.limit];
    const { rows } = await database.query<UserColumns & { sort_name: string }>({
      name: "search-users",
      text: SEARCH_USERS,
      values,
    });
    return rows.map((row) => ({ ...userRow(row), sortName: row.sort_name }));
  }

  async function markRevoked(id: string): Promise<void> {
    await database.query({ name: "mark-revoked", text: MARK_REVOKED, values: [id] });
  }

  /** Those of them who were revoked in this last time. */
  async function readRevoked(ids: readonly string[], withinMs: number): Promise<string[]> {
    const values = [ids, withinMs / 1_000];
    const { rows } = await database.query<{ id: string }>({ name: "read-revoked", text: READ_REVOKED, values });
    return rows.map(({ id }) => id);
  }

  return { saveProfile, read, search, markRevoked, readRevoked };
}
