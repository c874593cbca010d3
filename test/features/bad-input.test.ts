import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf } from "../support/items.ts";
import {
  badTexts,
  expectError,
  forbidden,
  invalid,
  noIds,
  notFound,
  rawAnswer,
  refusalOf,
  type Expected,
  type Input,
} from "../support/refusals.ts";
import { openSql, roomState, type Sql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

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

async function expectRefusal(user: TestUser, name: string, input: Input, expected: Expected): Promise<void> {
  const before = await everything();
  const { userErrors } = await user.mutate(name, input);
  expect(userErrors).toMatchObject([expected]);
  expect(userErrors[0]!.message).not.toBe("");
  expect(await everything()).toEqual(before);
}

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

  test("but a variable may have any name, such as constructor or __proto__, given or not", async () => {
    const query = `subscription ($__proto__: ID!, $constructor: Boolean = true) {
      roomEvents(roomId: $__proto__) {
        ... on CaughtUp @include(if: $constructor) { cursors }
        ... on MessageSent { message { content } }
      }
    }`;
    const variables = JSON.parse(`{ "__proto__": "${roomId}" }`) as Input;
    await using feed = alice.watch<{ roomEvents: { cursors: string[] } }>(query, variables);
    expect((await feed.next()).data?.roomEvents.cursors).toHaveLength(1);
  });

  test("an unknown kind of event", async () => {
    for (const feed of [alice.roomEvents(roomId, { kinds: ["KING"] }), alice.inbox({ kinds: ["KING"] })])
      expect(await refusalOf(feed)).toMatchObject([{ extensions: { code: "INVALID" } }]);
  });
});
