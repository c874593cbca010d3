import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isA, isCaughtUp, ofRoom, wordsOf } from "../support/items.ts";
import { openSql } from "../support/sql.ts";
import { watchStatements, type Statements } from "../support/statements.ts";
import { TestUser, type Answer, type Item, type Received } from "../support/user.ts";
import { syncPage } from "./sync-page.ts";
import { TestBus } from "./test-bus.ts";

let bus: TestBus;
let lossyBus: TestBus;
/** Where the changes are made. */
let here: TestApp;
/** Another node, told of them by the bus; and one that is told nothing. */
let there: TestApp;
let deaf: TestApp;
let alice: TestUser;
let carol: TestUser;

const compareIntervalMs = 300;

beforeAll(async () => {
  bus = new TestBus();
  lossyBus = new TestBus();
  lossyBus.fate = "lost";
  here = await startTestApp({ bus: bus.open(), env: { NODE_ID: "here" }, hub: { compareIntervalMs } });
  const { databaseUrl } = here;
  there = await startTestApp({ bus: bus.open(), databaseUrl, env: { NODE_ID: "there" }, hub: { compareIntervalMs } });
  deaf = await startTestApp({
    bus: lossyBus.open(),
    databaseUrl,
    env: { NODE_ID: "deaf" },
    hub: { compareIntervalMs },
  });
  alice = await TestUser.open(here, "alice");
  carol = await TestUser.open(here, "carol");
});

afterAll(async () => {
  await carol[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await deaf.close();
  await there.close();
  await here.close();
});

let counter = 0;

/** A new user in a new room with alice and carol, and in a second room that goes on after the removal. */
async function newcomer(): Promise<{ bob: TestUser; roomId: string; otherId: string }> {
  const bob = await TestUser.open(here, `bob${(counter += 1)}`);
  const roomId = await alice.createRoom("Before", [bob.id, "carol"]);
  const otherId = await alice.createRoom("Other", [bob.id]);
  return { bob, roomId, otherId };
}

async function remove(roomId: string, userId: string): Promise<void> {
  const { userErrors } = await alice.mutate("removeMember", { roomId, userId });
  expect(userErrors).toEqual([]);
}

const nodes = {
  "the node of the removal": () => here,
  "another node": () => there,
  "a node that hears nothing": () => deaf,
};
const doors = {
  roomEvents: (user: TestUser, roomId: string, after: string) => user.roomEvents(roomId, { after }),
  inbox: (user: TestUser, _roomId: string, after: string) => user.inbox({ after: [after] }),
};

describe.each(Object.entries(nodes))("guarantee 5, on %s", (_name, node) => {
  test.each(Object.entries(doors))(
    "one who is removed in the middle of %s gets everything before, one MemberLeft and nothing after",
    async (door, open) => {
      const { bob, roomId, otherId } = await newcomer();
      const first = await alice.send(roomId, "before 1");
      await using reader = bob.at(node());
      await using feed = open(reader, roomId, first.position);
      await feed.find(isCaughtUp);
      await alice.send(roomId, "before 2");
      await remove(roomId, bob.id);
      await alice.send(roomId, "after 1");
      await ended(feed, { door, roomId, otherId });
      await alice.send(roomId, "after 2");
      if (door === "inbox") await told(feed, otherId, "and on");
      expect(wordsOf(ofRoom(feed.all, roomId))).toEqual(["before 2", "MemberLeft"]);
      expect(ofRoom(feed.all, roomId).at(-1)).toMatchObject({ user: { id: bob.id } });
    },
  );

  test.each(Object.entries(doors))(
    "one who was removed while away gets over %s what came before, one MemberLeft and nothing after",
    async (door, open) => {
      const { bob, roomId, otherId } = await newcomer();
      const first = await alice.send(roomId, "read");
      const second = await alice.send(roomId, "missed");
      const edited = await alice.send(roomId, "edited later");
      await using reader = bob.at(node());
      // Another reader of the same kind is live, so that the events are at hand on that node.
      await using other = carol.at(node());
      await using live = open(other, roomId, second.position);
      await live.find(isCaughtUp);
      await remove(roomId, bob.id);
      await alice.send(roomId, "secret");
      await alice.mutate("editMessage", { roomId, messageId: edited.id, content: "secret edit" });
      await live.find((item) => item.message?.content === "secret edit");

      await using feed = open(reader, roomId, first.position);
      await ended(feed, { door, roomId, otherId });
      await alice.send(roomId, "later secret");
      await live.find((item) => item.message?.content === "later secret");
      if (door === "inbox") await told(feed, otherId, "and on");
      expect(wordsOf(ofRoom(feed.all, roomId))).toEqual(["missed", "MessageSent", "MemberLeft"]);
      expect(feed.all.find((item) => item.message?.id === edited.id)!.message).toMatchObject({ content: null });
    },
  );

  test("one who was removed while away gets by sync what came before and MemberLeft, once", async () => {
    const { bob, roomId } = await newcomer();
    const first = await alice.send(roomId, "read");
    await alice.send(roomId, "missed");
    const edited = await alice.send(roomId, "edited later");
    await remove(roomId, bob.id);
    await alice.send(roomId, "secret");
    await alice.mutate("editMessage", { roomId, messageId: edited.id, content: "secret edit" });
    const reader = bob.at(node());
    const page = await syncPage(reader, [first.position]);
    expect(wordsOf(ofRoom(page.events, roomId))).toEqual(["missed", "MessageSent", "MemberLeft"]);
    const again = await syncPage(reader, [first.position, ...page.cursors]);
    expect(ofRoom(again.events, roomId)).toEqual([]);
    expect(again.hasMore).toBe(false);
  });

  test("what an event's room shows ends with the removal too", async () => {
    const { bob, roomId } = await newcomer();
    const first = await alice.send(roomId, "before 1");
    await using reader = bob.at(node());
    await using live = deep(reader, { roomId, after: first.position });
    await live.find(({ data }) => isCaughtUp(data!.roomEvents));
    await alice.send(roomId, "before 2");
    await remove(roomId, bob.id);
    await alice.send(roomId, "secret");
    await alice.mutate("updateRoom", { roomId, name: "Secret name" });
    await live.end();
    await using late = deep(reader, { roomId, after: first.position });
    await late.end();
    for (const feed of [live, late]) {
      expect(JSON.stringify(feed.all)).not.toMatch(/secret/i);
      const left = feed.all.at(-1)!.data!.roomEvents;
      expect(left).toMatchObject({ __typename: "MemberLeft", room: { id: roomId, messages: { edges: [] } } });
    }
  });

  test("one who asked for messages only is told of the removal all the same", async () => {
    const { bob, roomId } = await newcomer();
    const first = await alice.send(roomId, "before 1");
    await using reader = bob.at(node());
    await using feed = reader.roomEvents(roomId, { after: first.position, kinds: ["MESSAGE"] });
    await feed.find(isCaughtUp);
    await alice.send(roomId, "before 2");
    await remove(roomId, bob.id);
    await alice.send(roomId, "after");
    await feed.end();
    await using late = reader.roomEvents(roomId, { after: first.position, kinds: ["MESSAGE"] });
    await late.end();
    for (const { all } of [feed, late]) expect(wordsOf(ofRoom(all, roomId))).toEqual(["before 2", "MemberLeft"]);
  });

  test("one who comes back goes on where they were, in the inbox that stayed open and in a new subscription", async () => {
    const { bob, roomId } = await newcomer();
    const first = await alice.send(roomId, "before");
    await using reader = bob.at(node());
    await using inbox = reader.inbox({ after: [first.position] });
    await inbox.find(isCaughtUp);
    await remove(roomId, bob.id);
    const left = await inbox.find(isA("MemberLeft"));
    await alice.send(roomId, "meanwhile");
    await alice.mutate("addMember", { roomId, userId: bob.id });
    await alice.send(roomId, "again");
    await inbox.find((item) => item.message?.content === "again");
    await using feed = reader.roomEvents(roomId, { after: left.cursor });
    await feed.find(isCaughtUp);
    const expected = ["meanwhile", "MemberJoined", "again"];
    expect(wordsOf(ofRoom(feed.all, roomId))).toEqual(expected);
    expect(wordsOf(ofRoom(inbox.all, roomId))).toEqual(["MemberLeft", ...expected]);
  });
});

test("guarantee 5: one who is removed when a page of their catch-up was read gets one MemberLeft, and nothing after", async () => {
  const { bob, roomId } = await newcomer();
  const first = await alice.send(roomId, "read");
  await alice.send(roomId, "missed");
  await using other = carol.at(here);
  await using live = other.roomEvents(roomId);
  await live.find(isCaughtUp);
  await using reader = bob.at(here);
  using statements = watchStatements(here.databaseUrl);
  const removed = removeAfter(statements, { statement: "log-read-for-member", nth: 1, roomId, userId: bob.id });
  await using feed = reader.roomEvents(roomId, { after: first.position });
  await removed;
  await alice.send(roomId, "secret");
  await feed.end();
  expect(wordsOf(feed.all).filter((word) => word !== "CaughtUp")).toEqual(["missed", "MemberLeft"]);
});

describe("guarantee 5, in the moments when a subscription is between two looks at the log", () => {
  // The n-th statement of this name that opening the subscription takes is answered after the removal.
  test.each([
    { moment: "its membership was checked", statement: "log-read-memberships", nth: 1 },
    { moment: "its place was found", statement: "log-read-memberships", nth: 2 },
  ])("one who is removed when $moment gets one MemberLeft, or is refused, and nothing after", async (between) => {
    const { bob, roomId } = await newcomer();
    // Another reader of the same kind is live, so that all that follows is at hand on the node.
    await using other = carol.at(here);
    await using live = other.roomEvents(roomId);
    await live.find(isCaughtUp);
    const first = await alice.send(roomId, "read");
    await alice.send(roomId, "missed");
    await using reader = bob.at(here);
    using statements = watchStatements(here.databaseUrl);
    const removed = removeAfter(statements, { ...between, roomId, userId: bob.id });
    await using feed = reader.roomEvents(roomId, { after: first.position });
    await removed;
    await alice.send(roomId, "secret");
    await feed.end();
    await alice.send(roomId, "later secret");
    await live.find((item) => item.message?.content === "later secret");
    if (feed.errors) expect(feed.errors).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
    else expect(wordsOf(feed.all).filter((word) => word !== "CaughtUp")).toEqual(["missed", "MemberLeft"]);
    expect(JSON.stringify(feed.all)).not.toMatch(/secret/);
  });
});

test.each([
  { door: "roomEvents" as const, lookups: 2, code: "NOT_FOUND" },
  { door: "inbox" as const, lookups: 3, code: "CURSOR_RESET" },
])(
  "one who has no membership any more when $door begins, not even an ended one, is told so by the first read of the log",
  async ({ door, lookups, code }) => {
    const { bob, roomId } = await newcomer();
    const first = await alice.send(roomId, "read");
    await alice.send(roomId, "missed");
    await using reader = bob.at(here);
    await using sql = await openSql(here.databaseUrl);
    using statements = watchStatements(here.databaseUrl);
    // As by an erasure, or in a database that was restored.
    const gone = beforeAnswer(statements, "log-read-memberships", lookups, () =>
      sql.rows("delete from members where room_id = $1 and user_id = $2", [roomId, bob.id]),
    );
    await using feed = doors[door](reader, roomId, first.position);
    await gone;
    await feed.end();
    expect(feed.all).toEqual([]);
    expect(feed.errors).toMatchObject([{ extensions: { code } }]);
    expect(statements.sent.filter((name) => name === "log-read-for-member")).toHaveLength(1);
  },
);

/** By the time the answer comes there is a secret in the room, too. */
function removeAfter(
  statements: Statements,
  { statement, nth, roomId, userId }: { statement: string; nth: number; roomId: string; userId: string },
): Promise<void> {
  return beforeAnswer(statements, statement, nth, async () => {
    await remove(roomId, userId);
    await alice.send(roomId, "first secret");
  });
}

/** Does something before the n-th statement of this name is answered. */
function beforeAnswer(
  statements: Statements,
  statement: string,
  nth: number,
  work: () => Promise<unknown>,
): Promise<void> {
  if (nth === 1) return statements.afterNext(statement, work);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const next = async () => void beforeAnswer(statements, statement, nth - 1, work).then(resolve, reject);
  void statements.afterNext(statement, next);
  return promise;
}

test("guarantee 5: a former member cannot subscribe, ask or send, as if there were no such room", async () => {
  const { bob, roomId } = await newcomer();
  const sent = await bob.send(roomId, "mine", { clientMessageId: "once" });
  await remove(roomId, bob.id);
  await using feed = bob.roomEvents(roomId);
  await feed.end();
  expect(feed.errors).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
  expect(await bob.must(`query ($id: ID!) { room(id: $id) { id } }`, { id: roomId })).toEqual({ room: null });
  for (const [name, input] of Object.entries({
    sendMessage: { roomId, content: "mine", clientMessageId: "once" },
    editMessage: { roomId, messageId: sent.id, content: "mine still" },
    deleteMessage: { roomId, messageId: sent.id },
    removeMember: { roomId, userId: bob.id },
    addMember: { roomId, userId: bob.id },
    updateRoom: { roomId, name: "Mine" },
  })) {
    const { userErrors } = await bob.mutate(name, input);
    expect(userErrors).toMatchObject([{ code: "NOT_FOUND", path: ["roomId"] }]);
  }
});

test("guarantee 5: a former member cannot find out how much happens in the room", async () => {
  const { bob, roomId } = await newcomer();
  await using feed = bob.roomEvents(roomId);
  await feed.find(isCaughtUp);
  await remove(roomId, bob.id);
  const left = await feed.find(isA("MemberLeft"));
  const leftRevision = Number(left.cursor.split(".")[1]);
  const isThere = async (revision: number) => {
    const after = [`${roomId}.${revision.toString().padStart(16, "0")}`];
    await using inbox = bob.inbox({ after });
    const [{ errors }] = await Promise.all([
      bob.ask(`query ($after: [Cursor!]!) { sync(after: $after) { hasMore } }`, { after }),
      inbox.until(() => inbox.all.length > 0 || inbox.ended, 10_000, true),
    ]);
    expect(inbox.errors === undefined).toBe(errors === undefined);
    return errors === undefined;
  };
  for (let round = 0; round < 2; round++) {
    const found = [];
    for (const ahead of [0, 1, 2, 3]) found.push(await isThere(leftRevision + ahead));
    expect(found).toEqual([true, false, false, false]);
    await alice.send(roomId, "secret");
    await alice.send(roomId, "secret");
  }
});

/** A room's feed is over with the MemberLeft; an inbox goes on with the other rooms. */
async function ended(
  feed: Received<Item>,
  { door, roomId, otherId }: { door: string; roomId: string; otherId: string },
) {
  if (door === "roomEvents") return feed.end();
  await feed.find((item) => isA("MemberLeft")(item) && item.room?.id === roomId);
  await told(feed, otherId, "elsewhere");
}

async function told(feed: Received<Item>, roomId: string, content: string): Promise<void> {
  await alice.send(roomId, content);
  await feed.find((item) => item.message?.content === content);
}

type DeepEvent = { __typename: string; room?: { id: string; messages: { edges: unknown[] } } };

function deep(
  user: TestUser,
  variables: { roomId: string; after: string },
): Received<Answer<{ roomEvents: DeepEvent }>> {
  return user.watch(
    `subscription ($roomId: ID!, $after: Cursor) {
      roomEvents(roomId: $roomId, after: $after) {
        __typename
        ... on RoomEvent { room { id name messages { edges { node { content } } } } }
        ... on MessageSent { message { content room { name messages { edges { node { content } } } } } }
      }
    }`,
    variables,
  );
}
