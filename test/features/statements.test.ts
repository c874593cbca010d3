import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isCaughtUp } from "../support/items.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { watchStatements, type Statements } from "../support/statements.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let sql: Sql;
let statements: Statements;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp({ hub: { compareIntervalMs: 600_000 } });
  sql = await openSql(app.databaseUrl);
  statements = watchStatements(app.databaseUrl);
  alice = await TestUser.open(app, "alice");
  await sql.rows("insert into users (id, name) select 'u' || n, 'User ' || n from generate_series(1, 100) n");
});

afterAll(async () => {
  statements[Symbol.dispose]();
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
});

/** Rooms of alice and some others, each with messages of all of them, of which every other answers the one before. */
async function insertRooms(options: { rooms: number; members: number; messages: number }): Promise<string[]> {
  const { rooms, members, messages } = options;
  const made = await sql.rows<{ id: string }>(
    `with room as (
      insert into rooms (id, kind, name, created_at, revision, message_revision, member_revision, member_count, active_at)
      select gen_random_uuid(), 'GROUP', 'Room ' || n, now(), $2::int + $3::int, case when $3::int > 0 then $2::int + $3::int else 0 end, $2::int, $2::int, now()
      from generate_series(1, $1::int) n returning id
    ), member as (
      insert into members (room_id, user_id, role, revision, joined_revision, joined_at)
      select room.id, case n when 1 then 'alice' else 'u' || n end, case n when 1 then 'OWNER' else 'MEMBER' end, n, n, now()
      from room, generate_series(1, $2::int) n
    ), message as (
      insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at, reply_to_id)
      select room.id, $2::int + n, md5(room.id::text || n)::uuid, $2::int + n, case n % $2::int when 0 then 'alice' else 'u' || (n % $2::int + 1) end,
        n, '', 'message ' || n, n, 'test', now(), case when n % 2 = 0 then md5(room.id::text || (n - 1))::uuid end
      from room, generate_series(1, $3::int) n
    ) select id from room`,
    [rooms, members, messages],
  );
  return made.map(({ id }) => id);
}

/** The statements that come of `work`; those of the node itself, which come when they come, left out. */
async function during(work: () => Promise<unknown>): Promise<string[]> {
  return (await statements.during(work)).filter((name) => name !== "save-last-seen");
}

/** The statements of a second run: the first may have to sign in. */
async function statementsOf(user: TestUser, query: string, variables: Record<string, unknown> = {}): Promise<string[]> {
  await user.must(query, variables);
  return during(() => user.must(query, variables));
}

/** The others: users are read with what comes first, and those who are new in what comes after it. */
function atMostTwice(name: string, sent: string[]): string[] {
  expect([1, 2]).toContain(sent.filter((one) => one === name).length);
  return sent.filter((one) => one !== name).toSorted();
}

test("a room is made with few members and with many by the same statements", async () => {
  const make = async (count: number) => {
    const memberIds = Array.from({ length: count }, (_, index) => `u${index + 1}`);
    return during(() => alice.createRoom(`Of ${count}`, memberIds));
  };
  await make(1);
  const few = await make(2);
  expect(await make(100)).toEqual(few);
  expect(few.length).toBeLessThanOrEqual(8);
});

test("a page of 50 messages with their senders and what they answer takes at most 5 statements", async () => {
  const query = `query ($id: ID!) { room(id: $id) { id name messages(last: 50) { edges { node {
    id content sender { id name avatarUrl } replyTo { id content sender { id name } } } } } } }`;
  for (const members of [2, 40]) {
    const [id] = await insertRooms({ rooms: 1, members, messages: 60 });
    const sent = await statementsOf(alice, query, { id });
    expect(atMostTwice("read-users", sent)).toEqual(["read-last-messages", "read-messages", "read-room-views"]);
  }
});

test("when the viewer read each message of a page takes one statement", async () => {
  const query = `query ($id: ID!) { room(id: $id) { messages(last: 50) { edges { node { readAt } } } } }`;
  const [id] = await insertRooms({ rooms: 1, members: 2, messages: 60 });
  expect(await statementsOf(alice, query, { id })).toEqual(["read-room-views", "read-last-messages", "read-at"]);
});

test("a list of rooms with last messages and members takes at most 5 statements, for 3 rooms and for 60", async () => {
  const query = `query ($first: Int) { rooms(first: $first) { edges { node { id name memberCount
    lastMessage { content sender { name } } members(first: 10) { edges { node { role user { id name } } } } } } } }`;
  await insertRooms({ rooms: 60, members: 12, messages: 3 });
  for (const first of [3, 60]) {
    const sent = await statementsOf(alice, query, { first });
    expect(atMostTwice("read-users", sent)).toEqual([
      "read-last-messages",
      "read-member-pages",
      "read-rooms-of-viewer",
    ]);
  }
});

test("a room's cursor is read before what else is shown of it, where a mutation gives the room too", async () => {
  const roomId = await alice.createRoom("Room", ["u1"]);
  const again = { roomId, content: "again", clientMessageId: "again" };
  await alice.send(roomId, again.content, again);
  let before: string[] = [];
  const isRead = statements.afterNext("read-room-views", async () => void (before = statements.sent.slice(start)));
  const start = statements.sent.length;
  const selection = `message { room { unreadCount messages { edges { cursor } } lastMessage { id }
    members { edges { node { readThrough { id } } } } membership { readThrough { id } } cursor } }`;
  const sent = await during(() => alice.mutate("sendMessage", again, selection));
  await isRead;
  expect(before.filter((name) => name !== "save-last-seen")).toEqual(["send-messages", "read-room-views"]);
  const others = ["count-unread", "read-last-messages", "read-member-pages", "read-through"];
  expect(sent).toEqual(expect.arrayContaining(others));
});

test("a sync of a user with 1,000 rooms of which 3 changed takes 3 statements, and 2 more for senders and answers", async () => {
  const user = await TestUser.open(app, "busy");
  const roomIds = await insertRooms({ rooms: 1_000, members: 3, messages: 4 });
  await sql.rows("update members set user_id = 'busy' where room_id = any ($1) and user_id = 'alice'", [roomIds]);
  const after = roomIds.map((roomId) => `${roomId}.0000000000000007`);
  const bare = `query ($after: [Cursor!]!) { sync(after: $after) { events { cursor } cursors hasMore } }`;
  const full = `query ($after: [Cursor!]!) { sync(after: $after) { hasMore cursors events { cursor ... on MessageSent {
    message { content sender { id name } replyTo { content sender { name } } } } } } }`;
  const core = ["log-read-for-member", "log-read-memberships", "log-read-rooms-of-user"];
  expect((await statementsOf(user, bare, { after })).toSorted()).toEqual(core);
  await sql.rows(
    `with room as (update rooms set revision = 8, message_revision = 8 where id = any ($1) returning id)
     insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at, reply_to_id)
     select id, 8, gen_random_uuid(), 8, 'u2', 'new', '', 'new', 9, 'test', now(), md5(id::text || 1)::uuid from room`,
    [roomIds.slice(0, 3)],
  );
  expect((await statementsOf(user, bare, { after })).toSorted()).toEqual(core);
  expect((await statementsOf(user, full, { after })).toSorted()).toEqual(
    [...core, "read-messages", "read-users"].toSorted(),
  );
  const { sync } = await user.must<{ sync: { events: unknown[]; cursors: string[]; hasMore: boolean } }>(bare, {
    after,
  });
  expect(sync.events).toHaveLength(3);
  expect(sync.cursors.toSorted()).toEqual(
    roomIds
      .slice(0, 3)
      .map((id) => `${id}.0000000000000008`)
      .toSorted(),
  );
  expect(sync.hasMore).toBe(false);
}, 60_000);

test("a live message takes no statement for its readers, whatever their number, nor does its answer to the sender", async () => {
  const [roomId] = await insertRooms({ rooms: 1, members: 8, messages: 2 });
  const readers = await Promise.all(Array.from({ length: 6 }, (_, index) => TestUser.open(app, `u${index + 2}`)));
  const feeds = readers.map((reader) => reader.roomEvents(roomId!, { after: beginningOf(roomId!) }));
  for (const feed of feeds) await feed.find(isCaughtUp);
  await alice.must(`{ viewer { id } }`);
  const sent = await during(async () => {
    await alice.send(roomId!, "live");
    for (const feed of feeds) await feed.find((item) => item.message?.content === "live");
  });
  expect(sent).toEqual(["send-messages"]);
  for (const reader of readers) await reader[Symbol.asyncDispose]();
});

test("a catch-up takes 3 statements to open and 1 a page", async () => {
  const [roomId] = await insertRooms({ rooms: 1, members: 4, messages: 250 });
  await alice.must(`{ viewer { id } }`);
  await using socket = alice.at(app);
  await using warm = socket.roomEvents(roomId!);
  await warm.find(isCaughtUp);
  warm.stop();
  const query = `subscription ($roomId: ID!, $after: Cursor) { roomEvents(roomId: $roomId, after: $after) {
    __typename ... on MessageSent { message { id content } } } }`;
  const sent = await during(async () => {
    await using feed = socket.watch<{ roomEvents: { __typename: string } }>(query, {
      roomId,
      after: beginningOf(roomId!),
    });
    await feed.find(({ data }) => isCaughtUp(data!.roomEvents));
  });
  expect(sent).toEqual([
    "log-read-memberships",
    "log-read-heads",
    "log-read-memberships",
    "log-read-for-member",
    "log-read-for-member",
    "log-read-for-member",
  ]);
});

test("an inbox of 1,000 rooms takes 3 statements to open", async () => {
  const user = await TestUser.open(app, "crowded");
  const roomIds = await insertRooms({ rooms: 1_000, members: 2, messages: 1 });
  await sql.rows("update members set user_id = 'crowded' where room_id = any ($1) and user_id = 'alice'", [roomIds]);
  const sent = await during(async () => {
    await using inbox = user.inbox();
    const caughtUp = await inbox.next(20_000);
    expect(caughtUp.cursors).toHaveLength(1_000);
  });
  expect(sent).toEqual(["log-read-rooms-of-user", "log-read-heads", "log-read-memberships"]);
  await user[Symbol.asyncDispose]();
});
