import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isCaughtUp, wordsOf } from "../support/items.ts";
import { lockRoom, othersWait, removeMember } from "../support/locks.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser, type SentMessage } from "../support/user.ts";
import { openBareNode } from "./bare-node.ts";
import { TestBus } from "./test-bus.ts";

let first: TestApp;
let second: TestApp;
let sql: Sql;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const bus = new TestBus();
  first = await startTestApp({ bus: bus.open(), env: { NODE_ID: "first" } });
  second = await startTestApp({ bus: bus.open(), databaseUrl: first.databaseUrl, env: { NODE_ID: "second" } });
  sql = await openSql(first.databaseUrl);
  alice = await TestUser.open(first, "alice");
  bob = await TestUser.open(first, "bob");
});

afterAll(async () => {
  await bob[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await second.close();
  await first.close();
});

const messageFields = "message { id content version editedAt deletedAt replyTo { id } }";
type Sent = { message: (SentMessage & { editedAt: string | null; replyTo: { id: string } | null }) | null };

function send(user: TestUser, input: Record<string, unknown>) {
  return user.mutate<Sent>("sendMessage", input, messageFields);
}

const contentsOf = async (roomId: string) =>
  (
    await sql.rows<{ content: string }>("select content from messages where room_id = $1 order by position", [roomId])
  ).map(({ content }) => content);

const revisionOf = async (roomId: string) =>
  Number((await sql.row<{ revision: string }>("select revision from rooms where id = $1", [roomId])).revision);

test("guarantee 5: a send whose sender is removed while its batch waits for the room's lock fails alone", async () => {
  const roomId = await alice.createRoom("Lock", ["bob"]);
  await using holder = await openSql(first.databaseUrl);
  await using node = openBareNode(first.databaseUrl, "third");
  await lockRoom(holder, roomId);
  const sending = ["alice", "bob", "alice"].map((id, index) => node.send(id, roomId, `${id} ${index}`));
  const outcomes = Promise.allSettled(sending);
  await othersWait(holder, sql);
  await removeMember(holder, roomId, "bob");
  await holder.rows("commit");
  const [, refused] = await outcomes;
  expect(node.batches).toEqual([3]);
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "NOT_FOUND", path: ["roomId"] } });
  expect(await contentsOf(roomId)).toEqual(["alice 0", "alice 2"]);
});

test("guarantee 5: a member who is removed while the statement with their send, edit or deletion waits changes nothing", async () => {
  for (const change of ["send", "edit", "delete"] as const) {
    const roomId = await alice.createRoom(`Lock for ${change}`, ["bob"]);
    const { id: messageId } = await bob.send(roomId, "as it was");
    await using holder = await openSql(first.databaseUrl);
    await lockRoom(holder, roomId);
    const changing = {
      send: () => bob.mutate("sendMessage", { roomId, content: "refused" }),
      edit: () => bob.mutate("editMessage", { roomId, messageId, content: "refused" }),
      delete: () => bob.mutate("deleteMessage", { roomId, messageId }),
    }[change]();
    await othersWait(holder, sql);
    await removeMember(holder, roomId, "bob");
    await holder.rows("commit");
    expect((await changing).userErrors).toMatchObject([{ code: "NOT_FOUND", path: ["roomId"] }]);
    expect(await contentsOf(roomId)).toEqual(["as it was"]);
  }
});

test("guarantee 4: the same clientMessageId sent 50 times at once to two nodes makes one message", async () => {
  const roomId = await alice.createRoom("Fifty", ["bob"]);
  await using feed = bob.roomEvents(roomId);
  await feed.find(isCaughtUp);
  const before = await revisionOf(roomId);
  const nodes = [alice, alice.at(second)];
  const sent = await Promise.all(
    Array.from({ length: 50 }, (_, index) => nodes[index % 2]!.send(roomId, "once", { clientMessageId: "same" })),
  );
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(new Set(sent.map(({ position }) => position)).size).toBe(1);
  await alice.send(roomId, "next");
  await feed.find((item) => item.message?.content === "next");
  expect(wordsOf(feed.all)).toEqual(["CaughtUp", "once", "next"]);
  expect(await revisionOf(roomId)).toBe(before + 2);
});

test("guarantee 4: a repeat returns the message as it is now, edited or deleted, and changes nothing", async () => {
  const roomId = await alice.createRoom("Repeat");
  const replyToId = (await alice.send(roomId, "question")).id;
  const input = { roomId, content: "answer", clientMessageId: "again", replyToId };
  const { message } = await send(alice, input);
  await alice.mutate("editMessage", { roomId, messageId: message!.id, content: "better answer" });
  const edited = await send(alice, input);
  expect(edited).toMatchObject({ message: { id: message!.id, content: "better answer", replyTo: { id: replyToId } } });
  expect(edited.message!.editedAt).not.toBeNull();
  await alice.mutate("deleteMessage", { roomId, messageId: message!.id });
  const revision = await revisionOf(roomId);
  const deleted = await send(alice.at(second), input);
  expect(deleted).toMatchObject({ message: { id: message!.id, content: null }, userErrors: [] });
  expect(await revisionOf(roomId)).toBe(revision);
});

test("guarantee 4: the same clientMessageId with other content or another reply is a conflict, also after an edit to that content", async () => {
  const roomId = await alice.createRoom("Conflict");
  const question = await alice.send(roomId, "question");
  const other = await alice.send(roomId, "other question");
  const input = { roomId, content: "answer", clientMessageId: "taken", replyToId: question.id };
  const { message } = await send(alice, input);
  await alice.mutate("editMessage", { roomId, messageId: message!.id, content: "better answer" });
  const revision = await revisionOf(roomId);
  for (const changed of [
    { content: "better answer" },
    { content: "answer " },
    { replyToId: other.id },
    { replyToId: null },
    { replyToId: "no id at all" },
  ]) {
    const { message: none, userErrors } = await send(alice, { ...input, ...changed });
    expect({ none, userErrors }).toMatchObject({
      none: null,
      userErrors: [{ __typename: "ConflictError", code: "CONFLICT", path: ["clientMessageId"] }],
    });
  }
  expect(await revisionOf(roomId)).toBe(revision);
});

test("guarantee 4: the same clientMessageId by another user or in another room is another message", async () => {
  const roomId = await alice.createRoom("One", ["bob"]);
  const otherId = await alice.createRoom("Two", ["bob"]);
  const clientMessageId = "__proto__";
  const sent = await Promise.all([
    alice.send(roomId, "hers", { clientMessageId }),
    bob.send(roomId, "his", { clientMessageId }),
    alice.send(otherId, "elsewhere", { clientMessageId }),
  ]);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(3);
  expect(sent.map((message) => message.clientMessageId)).toEqual([clientMessageId, clientMessageId, clientMessageId]);
});

test("guarantee 4: a send without clientMessageId gets one, each time another", async () => {
  const roomId = await alice.createRoom("None");
  const [one, two] = await Promise.all([alice.send(roomId, "hello"), alice.send(roomId, "hello")]);
  expect(one.id).not.toBe(two.id);
  expect(one.clientMessageId).not.toBe(two.clientMessageId);
  expect(await alice.send(roomId, "hello", { clientMessageId: one.clientMessageId })).toMatchObject({ id: one.id });
});
