import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import type { Backstage } from "../support/receipts.ts";
import { mark, openBackstage, readersOf, readingOf } from "../support/receipts.ts";
import { watchStatements, type Statements } from "../support/statements.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let backstage: Backstage;
let statements: Statements;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;

beforeAll(async () => {
  app = await startTestApp({ hub: { compareIntervalMs: 600_000 } });
  backstage = await openBackstage(app);
  statements = watchStatements(app.databaseUrl);
  alice = await TestUser.open(app, "alice", { name: "Alice" });
  bob = await TestUser.open(app, "bob", { name: "Bob" });
  carol = await TestUser.open(app, "carol", { name: "Carol" });
});

afterAll(async () => {
  for (const user of [alice, bob, carol]) await user?.[Symbol.asyncDispose]();
  statements?.[Symbol.dispose]();
  await backstage?.[Symbol.asyncDispose]();
  await app?.close();
});

type ReadEvent = {
  type: string;
  cursor: string;
  previousCursor: string | null;
  message?: { content: string; readBy: { edges: { node: { reader: { id: string; name: string } } }[] } };
  member?: { user: { id: string }; readThrough: { id: string } | null };
  ranges?: { reader: { id: string; name: string }; from: string; through: string; readAt: string }[];
};
const readEvents = `subscription ($roomId: ID!, $after: Cursor, $kinds: [RoomEventKind!]) {
  roomEvents(roomId: $roomId, after: $after, kinds: $kinds) {
    type: __typename
    ... on RoomEvent { cursor previousCursor }
    ... on MessageSent { message { content readBy { edges { node { reader { id name } } } } } }
    ... on MemberUpdated { member { user { id } readThrough { id } } }
    ... on MessagesRead { ranges { reader { id name } from through readAt } } } }`;
const watch = (user: TestUser, roomId: string, more: { after?: string; kinds?: string[] } = {}) =>
  user.watch<{ roomEvents: ReadEvent }>(readEvents, { roomId, ...more });
type Feed = ReturnType<typeof watch>;
const nextOf = async (feed: Feed): Promise<ReadEvent> => (await feed.next()).data!.roomEvents;
const rangesOf = ({ all }: Feed) => all.flatMap(({ data }) => data!.roomEvents.ranges ?? []);
const cursorOf = (roomId: string, revision: number) => `${roomId}.${String(revision).padStart(16, "0")}`;

test("calls that come together for one room commit together: 50 readers at once are few revisions, and as many events", async () => {
  const readers = await Promise.all(Array.from({ length: 50 }, (_, index) => TestUser.open(app, `reader-${index}`)));
  const roomId = await alice.createRoom(
    "Crowd",
    readers.map(({ id }) => id),
  );
  const [message] = await backstage.fill(roomId, ["alice"], 1);
  const before = await backstage.revisionOf(roomId);
  await using feed = watch(alice, roomId, { after: cursorOf(roomId, before), kinds: ["RECEIPT"] });
  await feed.next();
  const sent = await statements.during(() =>
    Promise.all(readers.map((reader) => mark(reader, roomId, { messageIds: [message] }))),
  );

  const revisions = (await backstage.revisionOf(roomId)) - before;
  expect(revisions).toBeLessThanOrEqual(10);
  expect(sent.filter((name) => name === "mark-read")).toHaveLength(revisions);
  await feed.until(() => rangesOf(feed).length === 50);
  expect(feed.all).toHaveLength(1 + revisions);
  expect(new Set(rangesOf(feed).map(({ reader }) => reader.id)).size).toBe(50);
  expect(readersOf(await readingOf(alice, roomId))[0]).toHaveLength(50);
  // Each event follows the one before it.
  const events = feed.all.slice(1).map(({ data }) => data!.roomEvents);
  const cursors = [...new Set([null, ...events.map(({ cursor }) => cursor)])];
  expect(events.map(({ previousCursor }) => previousCursor)).toEqual(cursors.slice(0, -1));
});

test("one bad call fails alone, whatever goes with it", async () => {
  const readers = await Promise.all(Array.from({ length: 20 }, (_, index) => TestUser.open(app, `reader-${index}`)));
  const roomId = await alice.createRoom(
    "Some",
    readers.slice(0, 15).map(({ id }) => id),
  );
  const other = await alice.createRoom("Other", []);
  const [message] = await backstage.fill(roomId, ["alice"], 1);
  const [foreign] = await backstage.fill(other, ["alice"], 1);
  const outcomes = await Promise.allSettled(
    readers.map((reader, index) => mark(reader, roomId, { messageIds: index < 10 ? [message] : [message, foreign] })),
  );
  const codes = outcomes.map((outcome) =>
    outcome.status === "fulfilled" ? "OK" : /INVALID|NOT_FOUND/.exec(String(outcome.reason))?.[0],
  );
  expect(codes).toEqual([
    ...Array<string>(10).fill("OK"),
    ...Array<string>(5).fill("INVALID"),
    ...Array<string>(5).fill("NOT_FOUND"),
  ]);
  expect(readersOf(await readingOf(alice, roomId))[0]).toHaveLength(10);
});

test("two nodes that mark in the same rooms at once lose nothing and mark nothing twice", async () => {
  await using second = await startTestApp({ databaseUrl: app.databaseUrl });
  const rooms = await Promise.all(["One", "Two", "Three"].map((name) => alice.createRoom(name, ["bob", "carol"])));
  const ids: string[][] = [];
  for (const roomId of rooms) ids.push(await backstage.fill(roomId, ["alice"], 12));
  const at = [app, second];
  const calls = rooms.flatMap((roomId, room) =>
    ids[room]!.flatMap((id, index) =>
      [bob, carol].map((user) =>
        mark(user.at(at[index % 2]!), roomId, index % 3 === 0 ? { upToId: id } : { messageIds: [id] }),
      ),
    ),
  );
  await Promise.all(calls);
  for (const roomId of rooms) {
    const reading = await readingOf(alice, roomId);
    for (const readers of readersOf(reading)) expect(readers.sort()).toEqual(["bob", "carol"]);
    expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(1);
  }
});

test("10,000 messages by one end are one row, and nothing is unread afterwards", async () => {
  const roomId = await alice.createRoom("Long", ["bob", "carol"]);
  const ids = await backstage.fill(roomId, ["alice", "bob", "carol", "alice"], 10_000);
  const before = await backstage.revisionOf(roomId);
  expect(await unreadOf(bob, roomId)).toBe(7_500);
  await mark(bob, roomId, { upToId: ids.at(-2) });
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(1);
  expect(await backstage.revisionOf(roomId)).toBe(before + 1);
  expect(await unreadOf(bob, roomId)).toBe(1);
  await mark(bob, roomId, { upToId: ids.at(-1) });
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(1);
  expect(await unreadOf(bob, roomId)).toBe(0);
  expect((await readingOf(bob, roomId)).readThrough.get("bob")).toBe(ids.at(-1));
});

test("ten minutes of reading along, a message every five seconds, are ten rows, no time more than a minute early", async () => {
  const roomId = await alice.createRoom("Along", ["bob"]);
  // A little more than the twelfth part of a minute.
  const stepMs = 5_020;
  const readMs = new Map<string, number>();
  for (let count = 0; count < 120; count += 1) {
    const [id] = await backstage.fill(roomId, ["alice"], 1);
    await mark(bob, roomId, { messageIds: [id] });
    readMs.set(id!, Date.now() + count * stepMs);
    await backstage.elapse(roomId, stepMs / 1_000);
  }
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(10);
  for (const [id, [receipt]] of (await readingOf(bob, roomId)).readBy) {
    const earlyMs = readMs.get(id)! - (Date.parse(receipt!.readAt) + 120 * stepMs);
    expect(earlyMs).toBeGreaterThanOrEqual(0);
    // The answer to the call took its time.
    expect(earlyMs).toBeLessThan(61_000);
  }
});

test("more than a thousand ranges at once are events of a thousand each", async () => {
  const roomId = await alice.createRoom("Holes", ["bob"]);
  const ids = await backstage.fill(roomId, ["alice"], 2_402);
  const odd = ids.filter((_, index) => index % 2 === 1);
  for (let start = 0; start < odd.length; start += 500)
    await mark(bob, roomId, { messageIds: odd.slice(start, start + 500) });
  await backstage.elapse(roomId, 300);
  const before = await backstage.revisionOf(roomId);
  await using feed = watch(alice, roomId, { kinds: ["RECEIPT"] });
  await feed.next();
  await mark(bob, roomId, { upToId: ids.at(-1) });
  expect(await backstage.revisionOf(roomId)).toBe(before + 2);
  const events = [await nextOf(feed), await nextOf(feed)];
  expect(events.map(({ ranges }) => ranges!.length)).toEqual([1_000, 201]);
  // The room knew of the receipts before this feed was opened.
  expect(events.map(({ previousCursor }) => previousCursor)).toEqual([cursorOf(roomId, before), events[0]!.cursor]);
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(2_402);
  expect(await unreadOf(bob, roomId)).toBe(0);

  await using catchUp = watch(bob, roomId, { after: cursorOf(roomId, before), kinds: ["RECEIPT"] });
  await catchUp.find(({ data }) => data!.roomEvents.type === "CaughtUp");
  expect(catchUp.all.map(({ data }) => data!.roomEvents.ranges?.length)).toEqual([1_000, 201, undefined]);
});

test("however many holes a reader left, they are counted, and filled without keeping others from the room", async () => {
  const roomId = await alice.createRoom("Very many holes", ["bob"]);
  const count = 50_000;
  await insertHalfRead(roomId, count);
  const [{ last }] = (await backstage.query("select id as last from messages where room_id = $1 and position = $2", [
    roomId,
    2 + count,
  ])) as [{ last: string }];
  expect(await unreadOf(bob, roomId)).toBe(count / 2);
  let sent = 0;
  const marking = { isOver: false };
  const marked = mark(bob, roomId, { upToId: last }).finally(() => (marking.isOver = true));
  for (; !marking.isOver; sent += 1) await alice.send(roomId, "meanwhile");
  await marked;
  // Were it one transaction all but the first would have waited for its end.
  expect(sent).toBeGreaterThan(8);
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(count);
  expect(await unreadOf(bob, roomId)).toBe(sent);

  await alice.mutate("removeMember", { roomId, userId: "bob" });
  await expect(mark(bob, roomId, { upToId: last })).rejects.toThrow("NOT_FOUND");
});

/** A room with alice and bob, and so many messages of hers, of which bob has read every other one an hour ago. */
async function insertHalfRead(roomId: string, count: number): Promise<void> {
  const values = [roomId, count];
  await backstage.query(
    `insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)
    select $1::uuid, 2 + n, md5($1::text || n)::uuid, 2 + n, 'alice', n, '', 'x', n, 'test', now() from generate_series(1, $2::int) n`,
    values,
  );
  await backstage.query(
    `insert into read_ranges (room_id, reader_id, from_position, through_position, read_at, revision)
    select $1, 'bob', 2 + n, 2 + n, now() - interval '1 hour', 3 + $2::int + n / 1000 from generate_series(1, $2::int, 2) n`,
    values,
  );
  await backstage.query(
    "update rooms set revision = 4 + $2 + $2 / 1000, message_revision = 2 + $2, receipt_revision = 4 + $2 + $2 / 1000 where id = $1",
    values,
  );
}

test("a page of messages with senders and readers takes a constant number of statements", async () => {
  const roomId = await alice.createRoom("Page", ["bob", "carol"]);
  const ids = await backstage.fill(roomId, ["alice", "bob", "carol"], 50);
  await mark(bob, roomId, { upToId: ids.at(-1) });
  await mark(carol, roomId, { messageIds: ids.filter((_, index) => index % 4 === 0) });
  const page = (count: number) => () =>
    alice.must(
      `query ($id: ID!, $count: Int!) { room(id: $id) {
        unreadCount
        members { edges { node { user { name } readThrough { id sender { name } } } } }
        messages(last: $count) { edges { node { id sender { name } readBy { edges { node { reader { name } readAt } } } } } } } }`,
      { id: roomId, count },
    );
  for (const count of [1, 50]) {
    const sent = await statements.during(page(count));
    console.log(`A page of ${count} with senders, readers, members and unread count: ${sent.join(", ")}.`);
    const users = sent.filter((name) => name === "read-users");
    const others = sent.filter((name) => name !== "read-users").sort();
    // Users are asked for in four places; those that are known at the same time are loaded together.
    expect(users.length).toBeLessThanOrEqual(4);
    expect(others).toEqual([
      "count-unread",
      "read-last-messages",
      "read-member-pages",
      "read-readers",
      "read-room-views",
      "read-through",
    ]);
  }
});

test("the unread counts of all rooms take one statement", async () => {
  for (let index = 0; index < 5; index += 1) await alice.createRoom(`Room ${index}`, []);
  const sent = await statements.during(() => alice.must("{ rooms(first: 100) { edges { node { id unreadCount } } } }"));
  expect(sent.filter((name) => name === "count-unread")).toHaveLength(1);
});

test("receipts in an event are loaded once for all who asked alike", async () => {
  const roomId = await alice.createRoom("Shared", ["bob", "carol"]);
  const feeds = [alice, bob, carol].map((user) => watch(user, roomId));
  for (const feed of feeds) await feed.next();
  const sent = await statements.during(async () => {
    await alice.send(roomId, "to all");
    for (const feed of feeds)
      expect(await nextOf(feed)).toMatchObject({ message: { content: "to all", readBy: { edges: [] } } });
    await alice.mutate("updateMember", { roomId, userId: "bob", role: "ADMIN" });
    const updated = { type: "MemberUpdated", member: { user: { id: "bob" }, readThrough: null } };
    for (const feed of feeds) expect(await nextOf(feed)).toMatchObject(updated);
  });
  expect(sent.filter((name) => name === "read-readers")).toHaveLength(1);
  expect(sent.filter((name) => name === "read-through")).toHaveLength(1);
  for (const feed of feeds) feed.stop();
});

test("one who is removed while an event is made sees nothing of what was read after that (guarantee 5)", async () => {
  const roomId = await alice.createRoom("Removed", ["bob", "carol"]);
  await using bobs = watch(bob, roomId);
  await using alices = watch(alice, roomId);
  await bobs.next();
  await alices.next();
  const holder = new Client({ connectionString: app.databaseUrl });
  await holder.connect();
  try {
    // The event's own load waits here, until Bob is gone and Carol has read.
    await holder.query("begin; lock table read_progress in access exclusive mode");
    const sent = await alice.send(roomId, "before");
    const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%unnest($1::uuid[], $2::bigint[]%' and pid <> pg_backend_pid()`;
    while ((await backstage.query(waits)).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await alice.mutate("removeMember", { roomId, userId: "bob" });
    await holder.query("select from mark_read(array[$1::uuid], array['carol'], array[$2::uuid], '{}', '{}')", [
      roomId,
      sent.id,
    ]);
    await holder.query("commit");
  } finally {
    await holder.end();
  }
  expect(await nextOf(bobs)).toMatchObject({ message: { content: "before", readBy: { edges: [] } } });
  expect(await nextOf(bobs)).toMatchObject({ type: "MemberLeft" });
  await bobs.end();
  const carols = { edges: [{ node: { reader: { id: "carol", name: "Carol" } } }] };
  expect(await nextOf(alices)).toMatchObject({ message: { content: "before", readBy: carols } });
});

async function unreadOf(user: TestUser, roomId: string): Promise<number> {
  const { room } = await user.must<{ room: { unreadCount: number } }>(
    `query ($id: ID!) { room(id: $id) { unreadCount } }`,
    { id: roomId },
  );
  return room.unreadCount;
}
