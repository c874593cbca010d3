import { Client } from "pg";
import { expect, test } from "vitest";
import { createTestDatabase, startPostgres } from "./postgres.ts";

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test("a test database is empty, and gone once it is closed", async () => {
  let url: string;
  {
    await using database = await createTestDatabase();
    await using other = await createTestDatabase();
    ({ url } = database);
    await query(other.url, "CREATE TABLE elsewhere (id int)");
    expect(await query(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).toEqual([]);
  }
  await expect(query(url, "SELECT 1")).rejects.toThrow("does not exist");
});

test("a Postgres of one's own keeps its port and data when it is stopped and started", async () => {
  await using postgres = await startPostgres();
  const { pid } = postgres;
  await query(postgres.url, "CREATE TABLE kept AS SELECT 1 AS id");
  for (const mode of ["fast", "immediate"] as const) {
    await postgres.stop(mode);
    await expect(query(postgres.url, "SELECT 1")).rejects.toThrow("ECONNREFUSED");
    await postgres.start();
    expect(await query(postgres.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
  }
  expect(postgres.pid).not.toBe(pid);
});

test("a paused Postgres answers nobody, and everybody once it is resumed", async () => {
  await using postgres = await startPostgres();
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await postgres.pause();
  const answer = client.query("SELECT 1 AS one").then(() => "answered");
  // A fact would be the absence of one: an awake Postgres answers in under a millisecond.
  const silence = new Promise((resolve) => setTimeout(() => resolve("silent"), 300));
  expect(await Promise.race([answer, silence])).toBe("silent");
  postgres.resume();
  expect(await answer).toBe("answered");
  await client.end();
});
