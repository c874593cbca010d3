import { randomUUID } from "node:crypto";
import { inject } from "vitest";
import { openSql, type Sql } from "./sql.ts";

/** A backup of a test database, which can be put in its place while servers run on it. */
export interface Backup {
  /** The database is as it was: what was committed since is lost. Its connections are cut. */
  restore(): Promise<void>;
}

/** Cuts the database's connections for a moment. */
export async function backUp(databaseUrl: string): Promise<Backup> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const copy = `test_${randomUUID().replaceAll("-", "")}`;
  await asAdmin((admin) => shutOff(admin, name, () => admin.rows(`create database ${copy} template ${name}`)));
  return {
    restore: () =>
      asAdmin((admin) =>
        shutOff(admin, name, async () => {
          await admin.rows(`drop database ${name}`);
          await admin.rows(`create database ${name} allow_connections false template ${copy}`);
          await admin.rows(`drop database ${copy}`);
        }),
      ),
  };
}

async function asAdmin(work: (admin: Sql) => Promise<unknown>): Promise<void> {
  await using admin = await openSql(inject("postgresUrl"));
  await work(admin);
}

async function shutOff(admin: Sql, name: string, work: () => Promise<unknown>): Promise<void> {
  await admin.rows(`alter database ${name} allow_connections false`);
  await admin.rows("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", [name]);
  await work();
  await admin.rows(`alter database ${name} allow_connections true`);
}
