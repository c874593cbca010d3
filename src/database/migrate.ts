import { readdir, readFile } from "node:fs/promises";
import type { QueryConfig } from "pg";
import type { Database } from "./pool.ts";

const folder = new URL("./migrations/", import.meta.url);

/** Any number that no other program takes as an advisory lock in the same database. */
const MIGRATION_LOCK = 0x0ca5_e21e;

const CREATE_TABLE = `create table if not exists migrations (
  name text primary key,
  applied_at timestamptz not null default now()
)`;

/**
 * Brings the database up to date, each file in a transaction of its own and once only. Nodes that start at the same
 * time wait for one another, at most `waitMs`. A database that is newer than this program is an error.
 */
export async function migrate(database: Database, { waitMs = 60_000 } = {}): Promise<string[]> {
  const files = await migrationFiles();
  const client = await database.pool.connect();
  let broken: Error | undefined;
  try {
    // This session's work may be long; everybody else's statements stay limited.
    await client.query(`set statement_timeout = 0; set lock_timeout = 0`);
    await takeLock(client, waitMs);
    await client.query(CREATE_TABLE);
    const { rows } = await client.query<{ name: string }>("select name from migrations");
    const applied = new Set(rows.map((row) => row.name));
    const unknown = [...applied].filter((name) => !files.includes(name));
    if (unknown.length > 0) {
      throw new Error(`The database is newer than this program: it has ${unknown.join(", ")}.`);
    }
    const pending = files.filter((name) => !applied.has(name));
    for (const name of pending) {
      const sql = await readFile(new URL(name, folder), "utf8");
      const text = `begin; ${sql}; insert into migrations (name) values ('${name}'); commit`;
      const statement: QueryConfig & { query_timeout: number } = { text, query_timeout: waitMs };
      await client.query(statement);
    }
    return pending;
  } catch (error) {
    broken = error as Error;
    throw error;
  } finally {
    // The lock and the session's settings end with the connection.
    client.release(broken ?? true);
  }
}

/** What this program needs and the database does not have: a backup from before, say, was restored under it. */
export async function missingMigrations(database: Pick<Database, "query">): Promise<string[]> {
  const files = await (knownFiles ??= migrationFiles());
  const { rows } = await database.query<{ name: string }>({
    name: "read-migrations",
    text: "select name from migrations",
  });
  const applied = new Set(rows.map(({ name }) => name));
  return files.filter((name) => !applied.has(name));
}

let knownFiles: Promise<string[]> | undefined;

async function migrationFiles(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".sql")).sort();
}

async function takeLock(
  client: { query: (text: string) => Promise<{ rows: unknown[] }> },
  waitMs: number,
): Promise<void> {
  const deadline = Date.now() + waitMs;
  for (;;) {
    const { rows } = await client.query(`select pg_try_advisory_lock(${MIGRATION_LOCK}) as taken`);
    if ((rows[0] as { taken: boolean }).taken) return;
    if (Date.now() > deadline) throw new Error("Another node is migrating the database and does not finish.");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
