import { afterAll, beforeAll, expect, test } from "vitest";
import { hlcToMs, parseHlc } from "../../src/clock/hlc.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isCaughtUp } from "../support/items.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";
import { TestBus } from "./test-bus.ts";

const hourMs = 3_600_000;
const allowedMs = 60_000;

let right: TestApp;
/** Nodes whose clocks are an hour ahead, and an hour behind. */
let fast: TestApp;
let slow: TestApp;
let sql: Sql;
let alice: TestUser;

beforeAll(async () => {
  const bus = new TestBus();
  right = await startTestApp({ bus: bus.open(), env: { NODE_ID: "right" } });
  const { databaseUrl } = right;
  const ahead = () => Date.now() + hourMs;
  const behind = () => Date.now() - hourMs;
  fast = await startTestApp({ bus: bus.open(), databaseUrl, env: { NODE_ID: "fast" }, now: ahead });
  slow = await startTestApp({ bus: bus.open(), databaseUrl, env: { NODE_ID: "slow" }, now: behind });
  sql = await openSql(databaseUrl);
  alice = await TestUser.open(right, "alice");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await slow.close();
  await fast.close();
  await right.close();
});

const msOf = (hlc: string) => hlcToMs(parseHlc(hlc).reading);
const databaseMs = async () =>
  Number((await sql.row<{ ms: string }>("select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms")).ms);

test("a node whose clock is an hour ahead moves a room at most 60 s ahead of the database's clock", async () => {
  const roomId = await alice.createRoom("Ahead");
  for (let index = 0; index < 20; index++) await alice.at(fast).send(roomId, `fast ${index}`);
  const last = await alice.at(fast).send(roomId, "last");
  const now = await databaseMs();
  expect(msOf(last.hlc)).toBeLessThanOrEqual(now + allowedMs);
  expect(msOf(last.hlc)).toBeGreaterThan(now);
  // `sentAt` is the database's clock.
  expect(Math.abs(Date.parse(last.sentAt) - now)).toBeLessThan(5_000);
  const after = await alice.send(roomId, "right");
  expect(after.hlc > last.hlc).toBe(true);
  expect(msOf(after.hlc)).toBeLessThanOrEqual((await databaseMs()) + allowedMs);
});

test("a node that hears a clock an hour ahead is not drawn along by more than 60 s", async () => {
  const heard = await alice.createRoom("Heard");
  await using feed = alice.roomEvents(heard);
  await feed.find(isCaughtUp);
  await alice.at(fast).send(heard, "from the future");
  await feed.find((item) => item.message?.content === "from the future");
  const elsewhere = await alice.send(await alice.createRoom("Elsewhere"), "here and now");
  expect(msOf(elsewhere.hlc)).toBeLessThanOrEqual((await databaseMs()) + allowedMs);
});

test("guarantee 3: in a room the clock's order is the order of positions, whichever nodes write", async () => {
  const roomId = await alice.createRoom("Mixed");
  const nodes = [fast, slow, right, slow, fast, slow];
  for (let round = 0; round < 5; round++)
    await Promise.all(nodes.map((node, index) => alice.at(node).send(roomId, `${round} ${index}`)));
  const rows = await sql.rows<{ hlc: string; hlc_node: string }>(
    "select hlc_text(hlc, hlc_node) as hlc, hlc_node from messages where room_id = $1 order by position",
    [roomId],
  );
  expect(rows).toHaveLength(5 * nodes.length);
  expect(new Set(rows.map((row) => row.hlc_node))).toEqual(new Set(["fast", "slow", "right"]));
  // Without the nodes' names, and strictly: no two messages of a room share a reading.
  const readings = rows.map((row) => row.hlc.slice(0, 17));
  expect(readings).toEqual([...new Set(readings)].sort());
});
