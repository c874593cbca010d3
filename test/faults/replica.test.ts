import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { childrenOf } from "../../scripts/cluster/process-tree.ts";
import { startPostgresPair, type PostgresPair } from "../support/postgres-pair.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

/** A replica that does not answer costs a page no more. */
const boundMs = 2_000;

let pair: PostgresPair;
let app: TestApp;
/** The same database, without a replica. */
let plain: TestApp;
let primary: Sql;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  pair = await startPostgresPair();
  primary = await openSql(pair.primaryUrl);
  const databaseUrl = pair.primaryUrl;
  app = await startTestApp({ databaseUrl, env: { DATABASE_REPLICA_URLS: pair.replicaUrl } });
  plain = await startTestApp({ databaseUrl });
  alice = await TestUser.open(app, "alice");
  await TestUser.open(app, "bob");
  roomId = await alice.createRoom("History", ["bob"]);
  for (let count = 1; count <= 12; count++) await alice.send(roomId, `message ${count}`);
});

afterAll(async () => {
  await plain?.close();
  await app?.close();
  await primary?.[Symbol.asyncDispose]();
  await pair?.[Symbol.asyncDispose]();
});

afterEach(async () => {
  await onReplica((sql) => sql.rows("select pg_wal_replay_resume()"));
  await replayed();
});

async function onReplica(work: (sql: Sql) => Promise<unknown>): Promise<void> {
  await using sql = await openSql(pair.replicaUrl);
  await work(sql);
}

/** The replica has all that was committed until now. */
async function replayed(): Promise<void> {
  const { lsn } = await primary.row<{ lsn: string }>("select pg_current_wal_lsn()::text as lsn");
  await onReplica((sql) =>
    until("the replica has replayed everything", async () => {
      const { done } = await sql.row<{ done: boolean }>("select pg_last_wal_replay_lsn() >= $1::pg_lsn as done", [lsn]);
      return done;
    }),
  );
}

type Page = { edges: { cursor: string; node: { content: string | null } }[]; pageInfo: Record<string, unknown> };

/** For whoever the room is not there for. */
const noPage: Page = { edges: [], pageInfo: {} };

async function page(user: TestUser, args: string): Promise<Page> {
  const query = `query ($id: ID!) { room(id: $id) { messages(${args}) {
    edges { cursor node { id content position version editedAt sender { id name } replyTo { id } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
  const { room } = await user.must<{ room: { messages: Page } | null }>(query, { id: roomId });
  return room?.messages ?? noPage;
}

async function sources(): Promise<Record<string, number>> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const found = text.matchAll(/^causerie_history_pages_total{source="(\w+)"} (\d+)$/gm);
  return Object.fromEntries([...found].map(([, source, count]) => [source, Number(count)]));
}

/** How the pages came that were asked for in `work`. */
async function during<Result>(work: () => Promise<Result>): Promise<{ result: Result; came: Record<string, number> }> {
  const before = await sources();
  const result = await work();
  const after = await sources();
  const came = Object.entries(after).map(([source, count]) => [source, count - before[source]!] as const);
  return { result, came: Object.fromEntries(came.filter(([, count]) => count > 0)) };
}

const contentsOf = ({ edges }: Page) => edges.map(({ node }) => node.content);

test("pages before a place come from the replica, the same as from the primary", async () => {
  await replayed();
  const newest = await page(alice, "last: 3");
  for (const args of [
    `last: 4, before: "${newest.edges[0]!.cursor}"`,
    `first: 4, before: "${newest.edges[0]!.cursor}"`,
    `last: 50, before: "${newest.edges[0]!.cursor}"`,
    `last: 5, after: "${newest.edges[0]!.cursor}", before: "${newest.edges[2]!.cursor}"`,
  ]) {
    const { result, came } = await during(() => page(alice, args));
    expect(came).toEqual({ replica: 1 });
    expect(result).toEqual(await page(alice.at(plain), args));
    expect(result.edges.length).toBeGreaterThan(0);
  }
});

test("pages without `before` do not ask the replica", async () => {
  const { result, came } = await during(() => page(alice, "last: 3"));
  expect(came).toEqual({});
  expect(contentsOf(result)).toEqual(["message 10", "message 11", "message 12"]);
});

test("a replica that is behind does not serve: what was just changed shows in older pages at once", async () => {
  await replayed();
  const [oldest] = (await page(alice, "first: 1")).edges as unknown as { node: { id: string } }[];
  const [, second] = (await page(alice, "first: 2")).edges;
  await onReplica((sql) => sql.rows("select pg_wal_replay_pause()"));
  await onReplica((sql) =>
    until("replay has come to a halt", async () => {
      const { state } = await sql.row<{ state: string }>("select pg_get_wal_replay_pause_state() as state");
      return state === "paused";
    }),
  );
  const edited = await alice.mutate("editMessage", { roomId, messageId: oldest!.node.id, content: "edited" });
  expect(edited.userErrors).toEqual([]);
  const args = `last: 5, before: "${second!.cursor}"`;
  const { result, came } = await during(() => page(alice, args));
  expect(came).toEqual({ behind: 1 });
  expect(contentsOf(result)).toEqual(["edited"]);
  expect(result).toEqual(await page(alice.at(plain), args));

  await onReplica((sql) => sql.rows("select pg_wal_replay_resume()"));
  await replayed();
  const again = await during(() => page(alice, args));
  expect(again.came).toEqual({ replica: 1 });
  expect(again.result).toEqual(result);
});

test("guarantee 5: a member who was removed gets no page, however much the replica still shows of them", async () => {
  const bob = await TestUser.open(app, "bob");
  const newest = await page(bob, "last: 3");
  await replayed();
  await onReplica((sql) => sql.rows("select pg_wal_replay_pause()"));
  const removed = await alice.mutate("removeMember", { roomId, userId: "bob" });
  expect(removed.userErrors).toEqual([]);
  const { result, came } = await during(() => page(bob, `last: 4, before: "${newest.edges[0]!.cursor}"`));
  expect(came).toEqual({});
  expect(result.edges).toEqual([]);
});

test("a replica that is killed or frozen costs little time, then none, and is used again once it is back", async () => {
  const newest = await page(alice, "last: 3");
  const args = `last: 4, before: "${newest.edges[0]!.cursor}"`;
  const expected = await page(alice.at(plain), args);
  await pair.stopReplica("immediate");
  try {
    const startMs = performance.now();
    const { result, came } = await during(() => page(alice, args));
    expect(performance.now() - startMs).toBeLessThan(boundMs);
    expect(came).toEqual({ down: 1 });
    expect(result).toEqual(expected);
  } finally {
    await pair.startReplica();
  }
  await until("the replica serves again", async () => (await during(() => page(alice, args))).came.replica === 1);

  process.kill(pair.replicaPid, "SIGSTOP");
  const frozen = await childrenOf(pair.replicaPid);
  for (const pid of frozen) process.kill(pid, "SIGSTOP");
  try {
    const startMs = performance.now();
    const { result, came } = await during(() => page(alice, args));
    expect(performance.now() - startMs).toBeLessThan(boundMs);
    expect(came).toEqual({ down: 1 });
    expect(result).toEqual(expected);
  } finally {
    for (const pid of [...frozen, pair.replicaPid]) process.kill(pid, "SIGCONT");
  }
  await until("the replica serves again", async () => (await during(() => page(alice, args))).came.replica === 1);
});
