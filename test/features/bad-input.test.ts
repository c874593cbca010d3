import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePlace } from "../../src/graphql/connections.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf } from "../support/items.ts";
import { openSql, roomState, type Sql } from "../support/sql.ts";
import { TestUser, type Received } from "../support/user.ts";

let app: TestApp;
let sql: Sql;
/** Alice owns both rooms; bob is an admin, carol a member of the first, mallory of none. */
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
let mallory: TestUser;
let roomId: string;
let otherId: string;
let directId: string;
let message: string;
let otherMessage: string;
let deletedMessage: string;

beforeAll(async () => {
  app = await startTestApp();
  sql = await openSql(app.databaseUrl);
  [alice, bob, carol, mallory] = (await Promise.all(
    ["alice", "bob", "carol", "mallory"].map((id) => TestUser.open(app, id)),
  )) as [TestUser, TestUser, TestUser, TestUser];
  roomId = await alice.createRoom("Room", ["bob", "carol"]);
  otherId = await alice.createRoom("Other");
  await alice.mutate("updateMember", { roomId, userId: "bob", role: "ADMIN" });
  message = (await alice.send(roomId, "hers")).id;
  deletedMessage = (await carol.send(roomId, "gone")).id;
  await carol.mutate("deleteMessage", { roomId, messageId: deletedMessage });
  otherMessage = (await alice.send(otherId, "elsewhere")).id;
  const { room } = await alice.mutate<{ room: { id: string } }>("openDirectRoom", { userId: "bob" }, "room { id }");
  directId = room.id;
});

afterAll(async () => {
  for (const user of [alice, bob, carol, mallory]) await user[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
});

/** All that a refused operation could have changed. */
const everything = async () => [
  await roomState(sql, roomId),
  await roomState(sql, otherId),
  await roomState(sql, directId),
  await sql.rows("select count(*) from rooms"),
  await sql.rows("select id, revision from users order by id"),
];

type Input = Record<string, unknown>;
type Expected = { __typename: string; code: string; path: string[] | null };
const invalid = (...path: string[]): Expected => ({ __typename: "InputError", code: "INVALID", path });
const notFound = (...path: string[]): Expected => ({ __typename: "NotFoundError", code: "NOT_FOUND", path });
const forbidden = (...path: string[]): Expected => ({
  __typename: "ForbiddenError",
  code: "FORBIDDEN",
  path: path.length > 0 ? path : null,
});

async function expectRefusal(user: TestUser, name: string, input: Input, expected: Expected): Promise<void> {
  const before = await everything();
  const { userErrors } = await user.mutate(name, input);
  expect(userErrors).toMatchObject([expected]);
  expect(userErrors[0]!.message).not.toBe("");
  expect(await everything()).toEqual(before);
}

const badTexts: [string, string][] = [
  ["empty", ""],
  ["with a NUL", "a\0b"],
  ["with half a surrogate pair at its end", "a\ud83d"],
  ["with half a surrogate pair at its beginning", "\ude00b"],
];
/** Ids that were never given. */
const noIds: [string, string][] = [
  ["a UUID", "00000000-0000-4000-8000-000000000000"],
  ["a UUID in capitals", randomUUID().toUpperCase()],
  ["no UUID", "room"],
  ["nothing", ""],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["a NUL", "\0"],
  ["half a surrogate pair", "\ud83d"],
  ["a very long text", "x".repeat(10_000)],
  ["an SQL fragment", "' or true --"],
];

describe("a message", () => {
  const tooLong: [string, string][] = [
    ["of 8,001 characters", "x".repeat(8_001)],
    ["of 8,001 characters outside the basic plane", "💬".repeat(8_001)],
  ];
  test.each([...badTexts, ...tooLong])("%s is INVALID, sent or as an edit", async (_name, content) => {
    await expectRefusal(alice, "sendMessage", { roomId, content }, invalid("content"));
    await expectRefusal(alice, "editMessage", { roomId, messageId: message, content }, invalid("content"));
  });

  test.each([
    ["of 8,000 characters outside the basic plane", "💬".repeat(8_000)],
    ["of one character", "x"],
    ["of a space", " "],
    ["of what a program may take for something else", `__proto__ \\u0000 ' " \u2028 </script> {}`],
  ])("%s is kept as it is", async (_name, content) => {
    const sent = await alice.send(roomId, content);
    expect(sent.content).toBe(content);
  });

  test.each([...badTexts, ["of 65 characters", "x".repeat(65)]])(
    "with a clientMessageId %s is INVALID",
    async (_name, clientMessageId) => {
      await expectRefusal(alice, "sendMessage", { roomId, content: "x", clientMessageId }, invalid("clientMessageId"));
    },
  );

  test("of another room cannot be answered, edited or deleted: NOT_FOUND", async () => {
    await expectRefusal(alice, "sendMessage", { roomId, content: "x", replyToId: otherMessage }, notFound("replyToId"));
    const elsewhere = { roomId, messageId: otherMessage };
    await expectRefusal(alice, "editMessage", { ...elsewhere, content: "x" }, notFound("messageId"));
    await expectRefusal(alice, "deleteMessage", elsewhere, notFound("messageId"));
  });

  test.each(noIds)("whose id is %s is NOT_FOUND", async (_name, id) => {
    await expectRefusal(alice, "sendMessage", { roomId, content: "x", replyToId: id }, notFound("replyToId"));
    await expectRefusal(alice, "editMessage", { roomId, messageId: id, content: "x" }, notFound("messageId"));
    await expectRefusal(alice, "deleteMessage", { roomId, messageId: id }, notFound("messageId"));
  });

  test("of another's is edited by nobody else and deleted by owners and admins only: FORBIDDEN", async () => {
    for (const user of [bob, carol]) {
      const input = { roomId, messageId: message, content: "mine" };
      await expectRefusal(user, "editMessage", input, forbidden("messageId"));
    }
    await expectRefusal(carol, "deleteMessage", { roomId, messageId: message }, forbidden("messageId"));
    const { id: messageId } = await carol.send(roomId, "carol's");
    expect((await bob.mutate("deleteMessage", { roomId, messageId })).userErrors).toEqual([]);
  });

  test("that was deleted cannot be edited: INVALID; deleting it again changes nothing", async () => {
    const input = { roomId, messageId: deletedMessage };
    await expectRefusal(carol, "editMessage", { ...input, content: "back" }, invalid("messageId"));
    const before = await everything();
    expect((await carol.mutate("deleteMessage", input)).userErrors).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  test("that is edited to what it says already stays as it is", async () => {
    const before = await everything();
    expect((await alice.mutate("editMessage", { roomId, messageId: message, content: "hers" })).userErrors).toEqual([]);
    expect(await everything()).toEqual(before);
  });
});

describe("a room that is not the viewer's cannot be told from one that does not exist", () => {
  const mutations: [string, (roomId: string) => Input][] = [
    ["sendMessage", (id) => ({ roomId: id, content: "x" })],
    ["editMessage", (id) => ({ roomId: id, messageId: message, content: "x" })],
    ["deleteMessage", (id) => ({ roomId: id, messageId: message })],
    ["updateRoom", (id) => ({ roomId: id, name: "x" })],
    ["addMember", (id) => ({ roomId: id, userId: "mallory" })],
    ["removeMember", (id) => ({ roomId: id, userId: "mallory" })],
    ["updateMember", (id) => ({ roomId: id, userId: "mallory", role: "OWNER" })],
    ["markRead", (id) => ({ roomId: id, messageIds: [message] })],
  ];

  test.each(mutations)("by %s", async (name, inputOf) => {
    const before = await everything();
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { __typename code message path } } }`;
    const answers = new Set<string>();
    for (const id of [roomId, otherId, directId, ...noIds.map(([, text]) => text)])
      answers.add(await rawAnswer(mallory, query, { input: inputOf(id) }));
    const error = { ...notFound("roomId"), message: "No such room." };
    expect([...answers].map((text) => JSON.parse(text) as unknown)).toEqual([
      { data: { [name]: { userErrors: [error] } } },
    ]);
    expect(await everything()).toEqual(before);
  });

  test("by the query for it, which gives null", async () => {
    const answers = new Set<string>();
    for (const id of [roomId, directId, ...noIds.map(([, text]) => text)])
      answers.add(await rawAnswer(mallory, `query ($id: ID!) { room(id: $id) { id name } }`, { id }));
    expect([...answers]).toEqual(['{"data":{"room":null}}']);
  });

  test("by roomEvents, with and without a cursor", async () => {
    const answers = new Set<string>();
    for (const id of [roomId, directId, ...noIds.map(([, text]) => text)])
      answers.add(JSON.stringify(await refusalOf(mallory.roomEvents(id))));
    for (const id of [roomId, noIds[0]![1]])
      answers.add(JSON.stringify(await refusalOf(mallory.roomEvents(id, { after: beginningOf(id) }))));
    expect(answers.size).toBe(1);
    expect(JSON.parse([...answers][0]!)).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
  });

  test("by cursors of it in sync and inbox, which are passed over", async () => {
    for (const id of [roomId, noIds[0]![1]]) {
      const { sync } = await mallory.must<{ sync: unknown }>(
        `query ($after: [Cursor!]!) { sync(after: $after) { events { cursor } cursors hasMore } }`,
        { after: [beginningOf(id), `${id}.0000000000999999`] },
      );
      expect(sync).toEqual({ events: [], cursors: [], hasMore: false });
      await using inbox = mallory.inbox({ after: [`${id}.0000000000999999`] });
      expect(await inbox.next()).toMatchObject({ __typename: "CaughtUp", cursors: [] });
    }
  });
});

describe("a room's name", () => {
  const names = [
    ...badTexts,
    ["of spaces", "   "],
    ["of 101 characters", "x".repeat(101)],
    ["with a line break", "a\nb"],
  ];
  test.each(names)("%s is INVALID", async (_name, name) => {
    await expectRefusal(alice, "createRoom", { name }, invalid("name"));
    await expectRefusal(alice, "updateRoom", { roomId, name }, invalid("name"));
  });

  test("is changed by owners and admins only: FORBIDDEN", async () => {
    await expectRefusal(carol, "updateRoom", { roomId, name: "Carol's" }, forbidden());
  });
});

describe("a user's id", () => {
  const noUsers: [string, string][] = [...noIds, ["of 256 characters", "x".repeat(256)]];
  test.each(noUsers)("that is %s is NOT_FOUND", async (_name, userId) => {
    await expectRefusal(alice, "createRoom", { name: "x", memberIds: ["bob", userId] }, notFound("memberIds"));
    await expectRefusal(alice, "openDirectRoom", { userId }, notFound("userId"));
    await expectRefusal(alice, "addMember", { roomId, userId }, notFound("userId"));
    await expectRefusal(alice, "removeMember", { roomId, userId }, notFound("userId"));
    await expectRefusal(alice, "updateMember", { roomId, userId, role: "ADMIN" }, notFound("userId"));
    const { user } = await alice.must<{ user: unknown }>(`query ($id: ID!) { user(id: $id) { id } }`, { id: userId });
    expect(user).toBeNull();
  });

  test("may be any text, such as __proto__, and works as any other", async () => {
    const proto = await TestUser.open(app, "__proto__");
    const id = await proto.createRoom("Prototype", ["alice"]);
    await proto.send(id, "hello", { clientMessageId: "__proto__" });
    await using feed = proto.roomEvents(id, { after: beginningOf(id) });
    expect(await feed.find((item) => item.message !== undefined)).toMatchObject({
      message: { sender: { id: "__proto__" } },
    });
    await proto[Symbol.asyncDispose]();
  });
});

describe("members", () => {
  test("are added, removed and promoted by those who may: else FORBIDDEN", async () => {
    await expectRefusal(carol, "addMember", { roomId, userId: "mallory" }, forbidden());
    await expectRefusal(bob, "addMember", { roomId, userId: "mallory", role: "ADMIN" }, forbidden("role"));
    await expectRefusal(bob, "addMember", { roomId, userId: "mallory", role: "OWNER" }, forbidden("role"));
    await expectRefusal(carol, "removeMember", { roomId, userId: "bob" }, forbidden());
    await expectRefusal(bob, "removeMember", { roomId, userId: "alice" }, forbidden("userId"));
    await expectRefusal(bob, "updateMember", { roomId, userId: "carol", role: "ADMIN" }, forbidden());
    await expectRefusal(bob, "updateMember", { roomId, userId: "bob", role: "OWNER" }, forbidden());
  });

  test("who are none are NOT_FOUND, who are one already stay as they are", async () => {
    await expectRefusal(alice, "removeMember", { roomId, userId: "mallory" }, notFound("userId"));
    await expectRefusal(alice, "updateMember", { roomId, userId: "mallory", role: "ADMIN" }, notFound("userId"));
    const before = await everything();
    expect((await alice.mutate("addMember", { roomId, userId: "carol", role: "ADMIN" })).userErrors).toEqual([]);
    expect((await alice.mutate("updateMember", { roomId, userId: "bob", role: "ADMIN" })).userErrors).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  test("of a direct room are two for ever: FORBIDDEN", async () => {
    const room = { roomId: directId };
    await expectRefusal(alice, "addMember", { ...room, userId: "carol" }, forbidden("roomId"));
    await expectRefusal(alice, "removeMember", { ...room, userId: "alice" }, forbidden("roomId"));
    await expectRefusal(alice, "removeMember", { ...room, userId: "bob" }, forbidden("roomId"));
    await expectRefusal(alice, "updateMember", { ...room, userId: "bob", role: "OWNER" }, forbidden("roomId"));
    await expectRefusal(alice, "updateRoom", { ...room, name: "Ours" }, forbidden("roomId"));
    await expectRefusal(alice, "openDirectRoom", { userId: "alice" }, invalid("userId"));
  });
});

/** What asks for a list of each kind; the place of a message, member, room and user in its list. */
const lists: [string, string, (string | number)[]][] = [
  [
    "messages",
    `query ($id: ID!, $first: Int, $after: String) { room(id: $id) { messages(first: $first, after: $after) { edges { cursor } } } }`,
    [1],
  ],
  [
    "members",
    `query ($id: ID!, $first: Int, $after: String) { room(id: $id) { members(first: $first, after: $after) { edges { cursor } } } }`,
    [1],
  ],
  [
    "rooms",
    `query ($first: Int, $after: String) { rooms(first: $first, after: $after) { edges { cursor } } }`,
    [1, "00000000-0000-4000-8000-000000000000"],
  ],
  [
    "users",
    `query ($first: Int, $after: String) { users(search: "a", first: $first, after: $after) { edges { cursor } } }`,
    ["a", "a"],
  ],
];

describe.each(lists)("the list of %s", (list, query, place) => {
  test.each([0, -1, 101, 2_147_483_647])("has no page of %i: INVALID", async (first) => {
    await expectError(alice, query, { id: roomId, first }, { code: "INVALID", argument: ["first"] });
  });

  test.each([1.5, "10", 2_147_483_648, true])("has no page of %j: INVALID", async (first) => {
    await expectError(alice, query, { id: roomId, first }, { code: "INVALID" });
  });

  test("goes on after its own cursors only: INVALID", async () => {
    const otherLists = lists.filter(([name]) => name !== list).map(([name, , other]) => encodePlace(name, other));
    const wrongShapes = [[], [...place, 1], place.map((part) => (typeof part === "number" ? String(part) : 1))];
    const garbage = ["", "x", "💬", "\0", "\ud83d", beginningOf(roomId), "bnVsbA", "e30", "W10", "x".repeat(10_000)];
    for (const after of [...otherLists, ...wrongShapes.map((wrong) => encodePlace(list, wrong)), ...garbage])
      await expectError(alice, query, { id: roomId, after }, { code: "INVALID", argument: ["after"] });
  });

  test("ends quietly, or says INVALID, at places that nobody was given", async () => {
    const extremes = [
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      0,
      -1,
      1e300,
      0.5,
      8.64e15,
      253_402_300_800_000,
    ];
    for (const extreme of extremes) {
      const after = encodePlace(
        list,
        place.map((part) => (typeof part === "number" ? extreme : part)),
      );
      const { errors } = await alice.ask(query, { id: roomId, after });
      if (errors) expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
    }
    for (const text of ["", "__proto__", "\0", "\ud83d", "💬".repeat(1_000)]) {
      const after = encodePlace(
        list,
        place.map((part) => (typeof part === "string" ? text : part)),
      );
      const { errors } = await alice.ask(query, { id: roomId, after });
      if (errors) expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
    }
  });
});

describe("messages", () => {
  const messages = (args: string) => `query ($id: ID!) { room(id: $id) { messages(${args}) { edges { cursor } } } }`;
  test.each(["last: 0", "last: -1", "last: 101"])("have no page of %s: INVALID", async (args) => {
    await expectError(alice, messages(args), { id: roomId }, { code: "INVALID", argument: ["last"] });
  });

  test("are asked for from one end: both `first` and `last` are INVALID", async () => {
    await expectError(alice, messages("first: 1, last: 1"), { id: roomId }, { code: "INVALID", argument: ["last"] });
  });

  test("end before their own cursors only: INVALID", async () => {
    for (const before of [beginningOf(roomId), "x", encodePlace("members", [1])])
      await expectError(
        alice,
        messages(`last: 1, before: "${before}"`),
        { id: roomId },
        { code: "INVALID", argument: ["before"] },
      );
  });
});

describe("users", () => {
  test.each([...badTexts, ["of 256 characters", "x".repeat(256)]])(
    "searched by a text %s: INVALID",
    async (_name, search) => {
      const query = `query ($search: String!) { users(search: $search) { edges { cursor } } }`;
      await expectError(alice, query, { search }, { code: "INVALID", argument: ["search"] });
    },
  );
});

describe("a position", () => {
  const garbage = (): string[] => [
    "",
    "x",
    roomId,
    `${roomId}.`,
    `${roomId}.1`,
    `${roomId}.00000000000000001`,
    `${roomId}.-000000000000001`,
    `${roomId}.000000000000001e`,
    `${roomId}.9999999999999999`,
    `${roomId.toUpperCase()}.0000000000000001`,
    `${roomId}.0000000000000001\n`,
    `__proto__.0000000000000001`,
    `x.0000000000000001`,
    encodePlace("messages", [1]),
    "\0",
    "\ud83d",
  ];
  const syncQuery = `query ($after: [Cursor!]!) { sync(after: $after) { hasMore } }`;
  const future = () => `${roomId}.0000000000999999`;

  test("that is none is INVALID, in sync and in the subscriptions", async () => {
    for (const after of garbage()) {
      await expectError(alice, syncQuery, { after: [after] }, { code: "INVALID", argument: ["after"] });
      const refusals = [
        await refusalOf(alice.roomEvents(roomId, { after })),
        await refusalOf(alice.inbox({ after: [after] })),
      ];
      for (const refusal of refusals)
        expect(refusal).toMatchObject([{ extensions: { code: "INVALID", argument: ["after"] } }]);
    }
  });

  test("of another room is INVALID as `after` of a room's events, also with the room's own id in it", async () => {
    for (const after of [beginningOf(otherId), beginningOf(noIds[0]![1])]) {
      const refusal = await refusalOf(alice.roomEvents(roomId, { after }));
      expect(refusal).toMatchObject([{ extensions: { code: "INVALID", argument: ["after"] } }]);
    }
  });

  test("from the future is CURSOR_RESET, in sync and in the subscriptions", async () => {
    await expectError(
      alice,
      syncQuery,
      { after: [beginningOf(otherId), future()] },
      { code: "CURSOR_RESET", argument: ["after"] },
    );
    const refusals = [
      await refusalOf(alice.roomEvents(roomId, { after: future() })),
      await refusalOf(alice.inbox({ after: [future()] })),
    ];
    for (const refusal of refusals)
      expect(refusal).toMatchObject([{ extensions: { code: "CURSOR_RESET", argument: ["after"] } }]);
  });

  test("may be given several times: the newest of a room counts", async () => {
    const { sync } = await alice.must<{ sync: { events: { cursor: string }[] } }>(
      `query ($after: [Cursor!]!) { sync(after: $after) { events { cursor } } }`,
      { after: [`${otherId}.0000000000000002`, beginningOf(otherId), beginningOf(otherId)] },
    );
    expect(sync.events.filter((event) => event.cursor.startsWith(otherId))).toEqual([]);
  });

  test("in more than twice as many rooms as a user can be in is INVALID", async () => {
    const after = Array.from({ length: 2_001 }, (_, index) =>
      beginningOf(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`),
    );
    await expectError(alice, syncQuery, { after }, { code: "INVALID", argument: ["after"] });
  });

  test.each([0, -1, 101])("is not followed by a page of %i: INVALID", async (first) => {
    const query = `query ($first: Int) { sync(after: [], first: $first) { hasMore } }`;
    await expectError(alice, query, { first }, { code: "INVALID", argument: ["first"] });
  });
});

describe("what does not fit the schema is INVALID before anything is done", () => {
  test.each<[string, string, Input]>([
    ["a missing content", "sendMessage", { roomId: "x" }],
    ["a null content", "sendMessage", { roomId: "x", content: null }],
    ["a number as content", "sendMessage", { roomId: "x", content: 1 }],
    ["an unknown field", "sendMessage", { roomId: "x", content: "x", senderId: "bob" }],
    ["an unknown role", "addMember", { roomId: "x", userId: "x", role: "KING" }],
    ["a list of lists", "createRoom", { name: "x", memberIds: [["bob"]] }],
    ["an object as id", "openDirectRoom", { userId: { id: "bob" } }],
  ])("%s", async (_title, name, input) => {
    const before = await everything();
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { code } } }`;
    await expectError(alice, query, { input }, { code: "INVALID" });
    expect(await everything()).toEqual(before);
  });

  test("an unknown kind of event", async () => {
    for (const feed of [alice.roomEvents(roomId, { kinds: ["KING"] }), alice.inbox({ kinds: ["KING"] })])
      expect(await refusalOf(feed)).toMatchObject([{ extensions: { code: "INVALID" } }]);
  });
});

async function expectError(
  user: TestUser,
  query: string,
  variables: Input,
  expected: { code: string; argument?: string[] },
) {
  const { data, errors } = await user.ask(query, variables);
  expect({ data: data ?? null, errors }).toMatchObject({ errors: [{ extensions: expected }] });
  expect(Object.values(data ?? {}).every((value) => value === null)).toBe(true);
}

async function refusalOf(feed: Received<unknown>): Promise<unknown> {
  await feed.end();
  return feed.errors;
}

async function rawAnswer(user: TestUser, query: string, variables: Input): Promise<string> {
  const response = await fetch(`${user.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${user.token}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.text();
}
