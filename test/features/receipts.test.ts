import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import type { Backstage } from "../support/receipts.ts";
import { mark, openBackstage, readersOf, readingOf } from "../support/receipts.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let backstage: Backstage;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  backstage = await openBackstage(app);
  alice = await TestUser.open(app, "alice", { name: "Alice" });
  bob = await TestUser.open(app, "bob", { name: "Bob" });
  carol = await TestUser.open(app, "carol", { name: "Carol" });
});

afterAll(async () => {
  for (const user of [alice, bob, carol]) await user?.[Symbol.asyncDispose]();
  await backstage?.[Symbol.asyncDispose]();
  await app?.close();
});

const trio = () => alice.createRoom("Tea", ["bob", "carol"]);
const leave = (user: TestUser, roomId: string) => user.mutate("removeMember", { roomId, userId: user.id });
const add = (roomId: string, userId: string) => alice.mutate("addMember", { roomId, userId });
const refusal = async (user: TestUser, input: Record<string, unknown>) =>
  (await user.mutate<{ room: null }>("markRead", input, "room { id }")) as unknown;
const cursorOf = (roomId: string, revision: number) => `${roomId}.${String(revision).padStart(16, "0")}`;

/** Events with the receipts of what they are about. */
const nestedEvents = `subscription ($roomId: ID!, $after: Cursor) { roomEvents(roomId: $roomId, after: $after) {
  __typename
  ... on RoomEvent { cursor }
  ... on MessageSent { message { id readBy { edges { node { reader { id name } } } } } }
  ... on MemberJoined { member { user { id } readThrough { id } } }
  ... on MemberUpdated { member { user { id } readThrough { id } } }
  ... on MessagesRead { ranges { reader { id name } from through readAt } } } }`;
type Nested = {
  __typename: string;
  cursor: string;
  message?: { id: string; readBy: { edges: { node: { reader: { id: string; name: string } } }[] } };
  member?: { user: { id: string }; readThrough: { id: string } | null };
  ranges?: { reader: { id: string; name: string }; from: string; through: string; readAt: string }[];
};

const invalid = expect.objectContaining({ __typename: "InputError", code: "INVALID" }) as unknown;

test("what is marked is read by exactly who marked it, what is not is not", async () => {
  const roomId = await trio();
  const [a, b, c, d] = await backstage.fill(roomId, ["alice"], 4);
  await mark(bob, roomId, { messageIds: [d, b] });
  await mark(carol, roomId, { upToId: c });
  const reading = await readingOf(bob, roomId);
  expect(readersOf(reading)).toEqual([["carol"], ["bob", "carol"], ["carol"], ["bob"]]);
  expect(reading.unreadCount).toBe(2);
  expect(Object.fromEntries(reading.readThrough)).toEqual({ alice: d, bob: null, carol: c });
  await mark(bob, roomId, { messageIds: [a] });
  const later = await readingOf(bob, roomId);
  expect(later.readThrough.get("bob")).toBe(b);
  expect(later.unreadCount).toBe(1);
});

test("the payload shows the room after the reading", async () => {
  const roomId = await trio();
  const [, second] = await backstage.fill(roomId, ["alice"], 3);
  const payload = await bob.mutate<{ room: unknown }>(
    "markRead",
    { roomId, upToId: second },
    "room { id unreadCount membership { readThrough { id } } }",
  );
  expect(payload).toEqual({
    room: { id: roomId, unreadCount: 1, membership: { readThrough: { id: second } } },
    userErrors: [],
  });
});

test("either ids or an end are given, 1 to 500 ids, and all of the room: else the call is INVALID as a whole", async () => {
  const roomId = await trio();
  const other = await trio();
  const [first] = await backstage.fill(roomId, ["alice"], 2);
  const [foreign] = await backstage.fill(other, ["alice"], 1);
  const revision = await backstage.revisionOf(roomId);
  const wrong: Record<string, unknown>[] = [
    {},
    { messageIds: null, upToId: null },
    { messageIds: [first], upToId: first },
    { messageIds: [] },
    { messageIds: Array.from({ length: 501 }, () => first) },
    { messageIds: [first, foreign] },
    { messageIds: [first, randomUUID()] },
    { messageIds: [first, "no id at all"] },
    { upToId: foreign },
    { upToId: randomUUID() },
    { upToId: "" },
  ];
  for (const what of wrong)
    expect(await refusal(bob, { roomId, ...what })).toEqual({ room: null, userErrors: [invalid] });
  expect(await backstage.revisionOf(roomId)).toBe(revision);
  expect(readersOf(await readingOf(bob, roomId))).toEqual([[], []]);
  await mark(bob, roomId, { messageIds: Array.from({ length: 500 }, () => first) });
  expect(readersOf(await readingOf(bob, roomId))).toEqual([["bob"], []]);
});

test("one who is no member cannot tell the room from one that does not exist", async () => {
  const roomId = await alice.createRoom("Two", ["bob"]);
  const [message] = await backstage.fill(roomId, ["alice"], 1);
  await leave(bob, roomId);
  const none = [
    await refusal(carol, { roomId: randomUUID(), upToId: message }),
    await refusal(carol, { roomId: "no room", upToId: message }),
    await refusal(carol, { roomId, upToId: message }),
    await refusal(carol, { roomId, upToId: randomUUID() }),
    await refusal(carol, { roomId, messageIds: ["no id at all"] }),
    await refusal(bob, { roomId, messageIds: [message] }),
  ];
  expect(none[0]).toMatchObject({ room: null, userErrors: [{ code: "NOT_FOUND", path: ["roomId"] }] });
  for (const answer of none) expect(answer).toEqual(none[0]);
  expect(readersOf(await readingOf(alice, roomId))).toEqual([[]]);
});

test("one who is removed while the call waits for the room marks nothing", async () => {
  const roomId = await trio();
  const [message] = await backstage.fill(roomId, ["alice"], 1);
  const holder = new Client({ connectionString: app.databaseUrl });
  await holder.connect();
  try {
    await holder.query("begin");
    await holder.query("select from rooms where id = $1 for no key update", [roomId]);
    const answer = refusal(bob, { roomId, upToId: message });
    const waits = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%mark_read%' and pid <> pg_backend_pid()`;
    while ((await backstage.query(waits)).length === 0) await new Promise((resolve) => setImmediate(resolve));
    await holder.query(
      "update members set left_revision = 99, left_at = now() where room_id = $1 and user_id = 'bob'",
      [roomId],
    );
    await holder.query("commit");
    expect(await answer).toMatchObject({ room: null, userErrors: [{ code: "NOT_FOUND" }] });
  } finally {
    await holder.end();
  }
  expect(await backstage.rangesOf(roomId, "bob")).toEqual([]);
});

test("marking again changes nothing: no revision, no event, the same time", async () => {
  const roomId = await trio();
  const [first, second, third] = await backstage.fill(roomId, ["alice"], 3);
  await mark(bob, roomId, { messageIds: [second] });
  await backstage.elapse(roomId, 300);
  const before = (await readingOf(bob, roomId)).readBy.get(second!);
  const revision = await backstage.revisionOf(roomId);
  await using feed = alice.roomEvents(roomId, { kinds: ["RECEIPT"] });
  await feed.next();
  await mark(bob, roomId, { messageIds: [second, second] });
  expect(await backstage.revisionOf(roomId)).toBe(revision);
  await mark(bob, roomId, { upToId: third });
  expect(await backstage.revisionOf(roomId)).toBe(revision + 1);
  await mark(bob, roomId, { upToId: third });
  await mark(bob, roomId, { upToId: first });
  await mark(bob, roomId, { messageIds: [first, second, third] });
  expect(await backstage.revisionOf(roomId)).toBe(revision + 1);
  const reading = await readingOf(bob, roomId);
  expect(reading.readBy.get(second!)).toEqual(before);
  expect(readersOf(reading)).toEqual([["bob"], ["bob"], ["bob"]]);
  await mark(carol, roomId, { upToId: first });
  // The next event is Carol's: Bob's other calls made none.
  expect(await feed.next()).toMatchObject({ ranges: [{ reader: { id: "bob" } }, { reader: { id: "bob" } }] });
  expect(await feed.next()).toMatchObject({ ranges: [{ reader: { id: "carol" } }] });
});

test("a reader's own messages are passed over and count as read", async () => {
  const roomId = await trio();
  const [first, own, third, last] = await backstage.fill(roomId, ["alice", "bob", "alice", "bob"], 4);
  const revision = await backstage.revisionOf(roomId);
  await mark(bob, roomId, { messageIds: [own, last] });
  expect(await backstage.revisionOf(roomId)).toBe(revision);
  expect(await readingOf(bob, roomId)).toMatchObject({ unreadCount: 2 });
  await mark(bob, roomId, { messageIds: [first] });
  expect((await readingOf(bob, roomId)).readThrough.get("bob")).toBe(own);
  await mark(bob, roomId, { upToId: last });
  const reading = await readingOf(bob, roomId);
  expect(readersOf(reading)).toEqual([["bob"], [], ["bob"], []]);
  expect(reading.readThrough.get("bob")).toBe(last);
  expect(reading.unreadCount).toBe(0);
  // They lie between harmlessly: one row.
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(1);
  expect(third).toBeDefined();
});

test("a deleted message is no longer unread and does not hold readThrough back, and is read by whom it was marked by", async () => {
  const roomId = await trio();
  const [first, second, third] = await backstage.fill(roomId, ["alice"], 3);
  await mark(bob, roomId, { messageIds: [first, third] });
  expect(await readingOf(bob, roomId)).toMatchObject({ unreadCount: 1 });
  await alice.mutate("deleteMessage", { roomId, messageId: second });
  const deleted = await readingOf(bob, roomId);
  expect(deleted.unreadCount).toBe(0);
  expect(deleted.readThrough.get("bob")).toBe(third);
  expect(deleted.readThrough.get("carol")).toBeNull();
  expect(readersOf(deleted)).toEqual([["bob"], [], ["bob"]]);
  // Not read, so the ranges around it stay apart.
  expect(await backstage.rangesOf(roomId, "bob")).toHaveLength(2);
  await mark(bob, roomId, { messageIds: [second] });
  expect(readersOf(await readingOf(bob, roomId))).toEqual([["bob"], ["bob"], ["bob"]]);
});

test("unread counts and readThrough begin with the member's join, and again when they come back", async () => {
  const roomId = await alice.createRoom("Late", []);
  const [old] = await backstage.fill(roomId, ["alice"], 3);
  await add(roomId, "bob");
  expect(await readingOf(bob, roomId)).toMatchObject({ unreadCount: 0 });
  expect((await readingOf(bob, roomId)).readThrough.get("bob")).toBeNull();
  const [first, second] = await backstage.fill(roomId, ["alice"], 2);
  expect(await readingOf(bob, roomId)).toMatchObject({ unreadCount: 2 });
  await mark(bob, roomId, { messageIds: [first] });
  expect((await readingOf(bob, roomId)).readThrough.get("bob")).toBe(first);

  await leave(bob, roomId);
  const [missed] = await backstage.fill(roomId, ["alice"], 2);
  await add(roomId, "bob");
  const back = await readingOf(bob, roomId);
  expect(back.unreadCount).toBe(0);
  expect(back.readThrough.get("bob")).toBeNull();
  const [third] = await backstage.fill(roomId, ["alice"], 1);
  expect(await readingOf(bob, roomId)).toMatchObject({ unreadCount: 1 });

  // All up to one is all: also what came before and while they were away.
  await mark(bob, roomId, { upToId: third });
  const reading = await readingOf(bob, roomId);
  expect(reading.unreadCount).toBe(0);
  expect(reading.readThrough.get("bob")).toBe(third);
  for (const id of [old, first, second, missed, third])
    expect(reading.readBy.get(id!)).toMatchObject([{ reader: { id: "bob" } }]);
});

test("who has left stays a reader of what they read, and sees nothing of it any more", async () => {
  const roomId = await trio();
  const [first] = await backstage.fill(roomId, ["alice"], 2);
  await mark(bob, roomId, { upToId: first });
  await mark(carol, roomId, { upToId: first });
  await leave(bob, roomId);
  const reading = await readingOf(alice, roomId);
  expect(reading.readBy.get(first!)?.map(({ reader }) => reader.id)).toEqual(["bob", "carol"]);
  expect([...reading.readThrough.keys()]).toEqual(["alice", "carol"]);

  await using feed = bob.watch<{ roomEvents: Nested }>(nestedEvents, { roomId, after: cursorOf(roomId, 0) });
  await feed.end();
  const events = feed.all.map(({ data }) => data!.roomEvents);
  const types = ["MemberJoined", "MessageSent", "MessagesRead", "MemberLeft"];
  expect([...new Set(events.map(({ __typename }) => __typename))]).toEqual(types);
  for (const { message, member } of events) {
    if (message) expect(message.readBy.edges).toEqual([]);
    if (member) expect(member.readThrough).toBeNull();
  }
});

test("each reader sees when they read a message, and nobody else's time stands in for it", async () => {
  const roomId = await trio();
  const [a, b] = await backstage.fill(roomId, ["alice", "bob"], 2);
  await mark(carol, roomId, { upToId: b });
  await backstage.elapse(roomId, 60);
  await mark(bob, roomId, { messageIds: [a] });
  const page = `query ($id: ID!) { room(id: $id) { messages {
    edges { node { id readAt readBy { edges { node { reader { id } readAt } } } } } } } }`;
  type Node = {
    id: string;
    readAt: string | null;
    readBy: { edges: { node: { reader: { id: string }; readAt: string } }[] };
  };
  for (const user of [alice, bob, carol]) {
    const { room } = await user.must<{ room: { messages: { edges: { node: Node }[] } } }>(page, { id: roomId });
    for (const { node } of room.messages.edges) {
      const own = node.readBy.edges.find((edge) => edge.node.reader.id === user.id);
      expect(node.readAt, `${user.id} of ${node.id === a ? "a" : "b"}`).toBe(own?.node.readAt ?? null);
    }
  }
  // Live too, though two ask for the same: what depends on who asks is not shared.
  const edits = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId, kinds: [MESSAGE]) {
    __typename ... on MessageEdited { message { readAt } } } }`;
  type Edit = { roomEvents: { __typename: string; message?: { readAt: string | null } } };
  await using bobs = bob.watch<Edit>(edits, { roomId });
  await using carols = carol.watch<Edit>(edits, { roomId });
  for (const feed of [bobs, carols]) expect((await feed.next()).data?.roomEvents.__typename).toBe("CaughtUp");
  await alice.mutate("editMessage", { roomId, messageId: a, content: "edited" });
  const [his, hers] = await Promise.all(
    [bobs, carols].map(async (feed) => (await feed.next()).data?.roomEvents.message),
  );
  expect(Date.parse(his!.readAt!) - Date.parse(hers!.readAt!)).toBeGreaterThanOrEqual(59_000);
  await leave(carol, roomId);
  await using after = carol.watch<{ roomEvents: { message?: { readAt: string | null } } }>(
    `subscription ($roomId: ID!, $after: Cursor) { roomEvents(roomId: $roomId, after: $after) { ... on MessageSent { message { readAt } } } }`,
    { roomId, after: cursorOf(roomId, 0) },
  );
  await after.end();
  const messages = after.all.flatMap(({ data }) => data?.roomEvents.message ?? []);
  expect(messages.map(({ readAt }) => readAt)).toEqual([null, null]);
});

test("readBy is in the order of time and pages on from a cursor", async () => {
  const roomId = await trio();
  const readers = await Promise.all(Array.from({ length: 7 }, (_, index) => TestUser.open(app, `reader-${index}`)));
  for (const { id } of readers) await add(roomId, id);
  const [message] = await backstage.fill(roomId, ["alice"], 1);
  const order = [3, 0, 6, 2, 5, 1, 4].map((index) => readers[index]!);
  for (const reader of order) {
    await mark(reader, roomId, { messageIds: [message] });
    await backstage.elapse(roomId, 1);
  }
  type Page = {
    edges: { cursor: string; node: { id: string; reader: { id: string }; readAt: string } }[];
    pageInfo: { hasNextPage: boolean; endCursor: string };
  };
  const page = async (after: string | null): Promise<Page> => {
    const { room } = await bob.must<{ room: { messages: { edges: { node: { readBy: Page } }[] } } }>(
      `query ($id: ID!, $after: String) { room(id: $id) { messages { edges { node {
        readBy(first: 3, after: $after) { edges { cursor node { id reader { id } readAt } } pageInfo { hasNextPage endCursor } } } } } } }`,
      { id: roomId, after },
    );
    return room.messages.edges[0]!.node.readBy;
  };
  const seen: Page["edges"][number]["node"][] = [];
  for (let after: string | null = null, more = true; more;) {
    const { edges, pageInfo } = await page(after);
    seen.push(...edges.map(({ node }) => node));
    ({ hasNextPage: more, endCursor: after } = pageInfo);
  }
  expect(seen.map(({ reader }) => reader.id)).toEqual(order.map(({ id }) => id));
  expect(seen.map(({ readAt }) => readAt)).toEqual(seen.map(({ readAt }) => readAt).sort());
  expect(new Set(seen.map(({ id }) => id)).size).toBe(7);
  const { errors } = await bob.ask(
    `query ($id: ID!) { room(id: $id) { messages { edges { node { readBy(after: "MQ") { edges { cursor } } } } } } }`,
    { id: roomId },
  );
  expect(errors?.[0]?.extensions?.code).toBe("INVALID");
});
