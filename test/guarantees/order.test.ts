import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { randomOf, seedOf, startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isA, isCaughtUp, ofRoom, typeOf, wordsOf } from "../support/items.ts";
import { lockRoom } from "../support/locks.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { watchStatements, type Statements } from "../support/statements.ts";
import { until } from "../support/until.ts";
import { TestUser, type Item } from "../support/user.ts";
import { openBareNode } from "./bare-node.ts";
import { syncPage } from "./sync-page.ts";
import { TestBus } from "./test-bus.ts";

let bus: TestBus;
let here: TestApp;
let there: TestApp;
let sql: Sql;
let statements: Statements;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  bus = new TestBus();
  // Only the bus tells: the comparison with the database does not come to its help.
  const hub = { compareIntervalMs: 600_000 };
  here = await startTestApp({ bus: bus.open(), env: { NODE_ID: "here" }, hub });
  there = await startTestApp({ bus: bus.open(), databaseUrl: here.databaseUrl, env: { NODE_ID: "there" }, hub });
  sql = await openSql(here.databaseUrl);
  alice = await TestUser.open(here, "alice");
  bob = await TestUser.open(here, "bob");
  for (const id of ["carol", "dave", "erin", "frank"]) await TestUser.open(here, id);
});

afterAll(async () => {
  await bob[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await there.close();
  await here.close();
});

beforeEach(() => {
  statements = watchStatements(here.databaseUrl);
});

afterEach(() => {
  statements[Symbol.dispose]();
  bus.fate = "carried";
});

test("guarantee 3: commits that are published in any order, and twice, are told in the order of the log", async () => {
  const random = randomOf(seedOf("published in any order"));
  const roomId = await alice.createRoom("Shuffled", ["bob"]);
  await using reader = bob.at(there);
  await using feed = reader.roomEvents(roomId);
  await feed.find(isCaughtUp);
  const contents: string[] = [];
  for (let round = 0; round < 10; round++) {
    bus.fate = "held";
    for (let index = 0; index < 6; index++) {
      const content = `${round} ${index}`;
      await alice.send(roomId, content);
      contents.push(content);
    }
    bus.release((held) => [...held, ...held].sort(() => random() - 0.5));
  }
  await feed.find((item) => item.message?.content === contents.at(-1));
  expect(wordsOf(feed.all)).toEqual(["CaughtUp", ...contents]);
  expect(feed.all.slice(2).map((item) => item.previousCursor)).toEqual(
    feed.all.slice(1, -1).map((item) => item.cursor),
  );
});

test("guarantee 2: a hole that the bus leaves is filled from the database within moments", async () => {
  const roomId = await alice.createRoom("Hole", ["bob"]);
  await using reader = bob.at(there);
  await using feed = reader.roomEvents(roomId);
  await feed.find(isCaughtUp);
  bus.fate = "lost";
  const lost = await alice.send(roomId, "lost");
  await alice.mutate("editMessage", { roomId, messageId: lost.id, content: "lost and edited" });
  bus.fate = "carried";
  await alice.send(roomId, "heard");
  await feed.find((item) => item.message?.content === "heard", 1_000);
  expect(wordsOf(feed.all)).toEqual(["CaughtUp", "lost and edited", "heard"]);
});

/** A room of several pages with a reader of its own, and two messages of the first page to change. */
type LongRoom = { roomId: string; reader: TestUser; edited: string; deleted: string };

async function longRoom(readerId: string): Promise<LongRoom> {
  const reader = await TestUser.open(there, readerId);
  const roomId = await alice.createRoom("Long", [readerId, "carol", "dave", "erin"]);
  const sent = await Promise.all(Array.from({ length: 230 }, (_, index) => alice.send(roomId, `message ${index}`)));
  return { roomId, reader, edited: sent[0]!.id, deleted: sent[1]!.id };
}

/** One commit into each table of the log. */
async function changeEverything({ roomId, reader, edited, deleted }: LongRoom): Promise<void> {
  await alice.send(roomId, "sent meanwhile");
  await alice.mutate("editMessage", { roomId, messageId: edited, content: "edited meanwhile" });
  await alice.mutate("deleteMessage", { roomId, messageId: deleted });
  await reader.at(here).mutate("markRead", { roomId, messageIds: [edited] });
  await alice.mutate("addMember", { roomId, userId: "frank" });
  await alice.mutate("updateMember", { roomId, userId: "carol", role: "ADMIN" });
  await alice.mutate("removeMember", { roomId, userId: "dave" });
  await alice.mutate("updateRoom", { roomId, name: "Renamed meanwhile" });
}

/** What a client that keeps the newest of each thing makes of a feed. */
function outcomeOf(items: Item[]) {
  const messages = new Map<string, { version: string; content: string | null }>();
  const members = new Map<string, string>();
  const reads = new Set<string>();
  let renamed = 0;
  for (const item of items) {
    const { message, member, user, ranges } = item;
    if (message) {
      const known = messages.get(message.id);
      if (!known || known.version < message.version) messages.set(message.id, message);
    }
    if (member) members.set(member.user.id, member.role);
    if (user) members.delete(user.id);
    for (const range of ranges ?? []) reads.add(`${range.reader.id} ${range.from} ${range.through}`);
    if (isA("RoomUpdated")(item)) renamed += 1;
  }
  const contents = [...messages].map(([id, { content }]) => `${id} ${content}`);
  const roles = [...members].map(([userId, role]) => `${userId} ${role}`);
  return { contents: contents.sort(), roles: roles.sort(), reads: [...reads].sort(), isRenamed: renamed > 0 };
}

async function expectedOutcome(roomId: string): Promise<ReturnType<typeof outcomeOf>> {
  const messages = await sql.rows<{ line: string }>(
    "select id || ' ' || coalesce(content, 'null') as line from messages where room_id = $1",
    [roomId],
  );
  const members = await sql.rows<{ user_id: string; role: string }>(
    "select user_id, role from members where room_id = $1 and left_revision is null",
    [roomId],
  );
  const reads = await sql.rows<{ reader_id: string; from: string; through: string }>(
    `select reader_id, from_position as from, through_position as through from read_ranges where room_id = $1`,
    [roomId],
  );
  const cursor = (revision: string) => `${roomId}.${revision.padStart(16, "0")}`;
  return {
    contents: messages.map(({ line }) => line).sort(),
    roles: members.map((row) => `${row.user_id} ${row.role}`).sort(),
    reads: reads.map((row) => `${row.reader_id} ${cursor(row.from)} ${cursor(row.through)}`).sort(),
    isRenamed: true,
  };
}

function checkCursors(items: Item[]): void {
  let newest = "";
  for (const item of items.filter((one) => !isCaughtUp(one))) {
    expect(item.cursor > newest, `${typeOf(item)} at ${item.cursor} after ${newest}`).toBe(true);
    expect((item.previousCursor ?? "") <= newest, `${item.cursor} follows ${item.previousCursor}`).toBe(true);
    newest = item.cursor;
  }
}

test.each([1, 2, 3])(
  "guarantee 2: commits into each table while page %i of a catch-up is on its way are told once, in order",
  async (page) => {
    const room = await longRoom(`reader of page ${page}`);
    const { roomId } = room;
    await using reader = room.reader;
    for (const door of ["roomEvents", "inbox"] as const) {
      // Held back at the node, after the page was read and before it is given to the client.
      const readPages = (left: number): Promise<void> =>
        statements.afterNext("log-read-for-member", async () => {
          if (left > 1) readPages(left - 1).then(done, failed);
          else await changeEverything(room).then(done, failed);
        });
      const { promise: changed, resolve: done, reject: failed } = Promise.withResolvers<void>();
      void readPages(page);
      await using feed =
        door === "inbox"
          ? reader.inbox({ after: [beginningOf(roomId)] })
          : reader.roomEvents(roomId, { after: beginningOf(roomId) });
      await changed;
      await alice.send(roomId, `last ${door}`);
      await feed.find((item) => item.message?.content === `last ${door}`);
      const items = ofRoom(feed.all, roomId);
      checkCursors(items);
      expect(outcomeOf(items)).toEqual(await expectedOutcome(roomId));
      expect(new Set(items.filter(isA("MessageSent")).map((item) => item.message!.id)).size).toBe(
        items.filter(isA("MessageSent")).length,
      );
      await alice.mutate("addMember", { roomId, userId: "dave" });
      await alice.mutate("removeMember", { roomId, userId: "frank" });
      await alice.mutate("updateRoom", { roomId, name: "As before" });
    }
  },
);

test("guarantee 2: commits into each table between and during the pages of a sync are told, and hasMore is false at the end only", async () => {
  const room = await longRoom("reader of sync");
  const { roomId, reader } = room;
  const items: Item[] = [];
  const newest = new Map([[roomId, beginningOf(roomId)]]);
  for (let pages = 1; ; pages++) {
    if (pages === 2 || pages === 4) void statements.afterNext("log-read-for-member", () => changeEverything(room));
    const page = await syncPage(reader, [...newest.values()], 40);
    items.push(...ofRoom(page.events, roomId));
    for (const cursor of page.cursors) newest.set(cursor.split(".")[0]!, cursor);
    if (!page.hasMore) break;
    expect(page.events.length).toBeGreaterThan(0);
  }
  checkCursors(items);
  expect(outcomeOf(items)).toEqual(await expectedOutcome(roomId));
  expect(await syncPage(reader, [...newest.values()])).toEqual({ events: [], cursors: [], hasMore: false });
});

test("guarantee 1: two nodes' batches that lock the same rooms never wait for each other, whatever their order", async () => {
  const roomIds = await Promise.all(
    Array.from({ length: 9 }, (_, index) => alice.createRoom(`Room ${index}`, ["bob"])),
  );
  await using one = openBareNode(here.databaseUrl, "one");
  await using two = openBareNode(here.databaseUrl, "two");
  await using holder = await openSql(here.databaseUrl);
  // Each batch locks what it can before the room in the middle, and stands there until both do.
  await lockRoom(holder, roomIds[4]!);
  const sending = [
    ...roomIds.map((roomId) => one.send("alice", roomId, "from one")),
    ...roomIds.toReversed().map((roomId) => two.send("bob", roomId, "from two")),
  ];
  await until("both batches wait", async () => {
    const waiting = `select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`;
    return (await sql.row<{ n: number }>(waiting)).n === 2;
  });
  await holder.rows("commit");
  await Promise.all(sending);
  // One that was the victim of a deadlock would have been tried again.
  expect([one.batches, two.batches]).toEqual([[9], [9]]);
});

test("guarantee 1: sends and changes of two nodes in the same rooms at once all land, without a hole in any log", async () => {
  const roomIds = await Promise.all(
    Array.from({ length: 12 }, (_, index) => alice.createRoom(`Room ${index}`, ["bob"])),
  );
  await using bobThere = bob.at(there);
  const rounds = 25;
  const all: Promise<unknown>[] = [];
  for (let round = 0; round < rounds; round++) {
    // In one turn of each node's event loop, so that they share statements.
    all.push(...roomIds.map((roomId) => overSocket(alice, roomId, `alice ${round}`)));
    all.push(...roomIds.toReversed().map((roomId) => overSocket(bobThere, roomId, `bob ${round}`)));
    if (round % 5 === 0) all.push(alice.mutate("updateRoom", { roomId: roomIds[round % 12]!, name: `Round ${round}` }));
    if (round % 5 === 1) all.push(alice.mutate("addMember", { roomId: roomIds[round % 12]!, userId: "carol" }));
  }
  await Promise.all(all);
  const { n } = await sql.row<{ n: number }>(
    "select count(*)::int as n from messages where room_id = any ($1) and content ~ '^(alice|bob) '",
    [roomIds],
  );
  expect(n).toBe(2 * rounds * roomIds.length);
  const batches = statements.sent.filter((name) => name === "send-messages").length;
  expect(batches).toBeLessThan(n / 2);
  for (const roomId of roomIds) {
    const holes = await sql.row<{ n: number }>(
      `select (max(revision) - count(*))::int as n from (
        select revision from messages where room_id = $1 union select revision from members where room_id = $1
        union select room_revision from rooms where id = $1 and room_revision > 0) r`,
      [roomId],
    );
    // A name that was changed twice leaves one revision that nothing bears any more.
    expect(holes.n).toBeLessThanOrEqual(1);
  }
});

/** Sends over the user's WebSocket. */
function overSocket(user: TestUser, roomId: string, content: string): Promise<unknown> {
  const query = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { code } } }`;
  return user.watch<{ sendMessage: { message: unknown } }>(query, { input: { roomId, content } }).next(30_000);
}
