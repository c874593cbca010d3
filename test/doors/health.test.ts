import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBus } from "../guarantees/test-bus.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { startPostgres, type TestPostgres } from "../support/postgres.ts";
import { openSql } from "../support/sql.ts";
import { until } from "../support/until.ts";

/** Half of what probes usually wait at most. */
const answerMs = 2_500;

let postgres: TestPostgres;
let app: TestApp;

beforeAll(async () => {
  postgres = await startPostgres();
  app = await startTestApp({ databaseUrl: postgres.url });
});
afterAll(async () => {
  await app?.close();
  await postgres?.close();
});

async function probe(path: string, at: { url: string } = app) {
  const startMs = performance.now();
  const response = await fetch(`${at.url}${path}`);
  const body = (await response.json()) as { status: string; checks?: Record<string, string> };
  expect(performance.now() - startMs).toBeLessThan(answerMs);
  return { code: response.status, ...body };
}

const ready = { code: 200, status: "ok", checks: { database: "ok", migrations: "ok", bus: "ok" } };

test("a node is ready with its database, its migrations and the bus", async () => {
  expect(await probe("/healthz")).toEqual({ code: 200, status: "ok" });
  expect(await probe("/readyz")).toEqual(ready);
});

test("a node whose bus is down serves all the same, and says so", async () => {
  await using down = await startTestApp({ databaseUrl: postgres.url, bus: new TestBus().open({ up: false }) });
  expect(await probe("/readyz", down)).toMatchObject({ code: 200, status: "degraded", checks: { bus: "degraded" } });
});

test("a database that lacks what the program needs takes the node out of service", async () => {
  await using sql = await openSql(postgres.url);
  const taken = await sql.rows<{ name: string }>(
    "delete from migrations where name = (select max(name) from migrations) returning *",
  );
  expect(await probe("/readyz")).toMatchObject({
    code: 503,
    status: "unavailable",
    checks: { database: "ok", migrations: "unavailable" },
  });
  await sql.rows("insert into migrations (name) values ($1)", [taken[0]!.name]);
  expect(await probe("/readyz")).toEqual(ready);
});

test("a database that is frozen or gone takes the node out of service, which stays alive, and is back with it", async () => {
  const away = { code: 503, status: "unavailable", checks: { database: "unavailable" } };
  await postgres.pause();
  expect(await probe("/readyz")).toMatchObject(away);
  expect(await probe("/healthz")).toEqual({ code: 200, status: "ok" });
  postgres.resume();
  await until("the node is ready again", async () => (await probe("/readyz")).code === 200);
  await postgres.stop("immediate");
  expect(await probe("/readyz")).toMatchObject(away);
  expect(await probe("/healthz")).toEqual({ code: 200, status: "ok" });
  await postgres.start();
  await until("the node is ready again", async () => (await probe("/readyz")).code === 200);
});
