import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isCaughtUp, wordsOf } from "../support/items.ts";
import { lockRoom, othersWait } from "../support/locks.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { openPostgresProxy, type Cut, type PostgresProxy } from "../support/postgres-proxy.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser, type SentMessage } from "../support/user.ts";

let database: TestDatabase;
let proxy: PostgresProxy;
let app: TestApp;
let sql: Sql;
let alice: TestUser;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await openPostgresProxy(database.url);
  app = await startTestApp({ databaseUrl: proxy.url, hub: { compareIntervalMs: 200 } });
  sql = await openSql(database.url);
  alice = await TestUser.open(app, "alice");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
  await proxy[Symbol.asyncDispose]();
  await database.close();
});

type Stored = { id: string; content: string | null; position: string; revision: string };
const stored = (roomId: string) =>
  sql.rows<Stored>("select id, content, position, revision from messages where room_id = $1 order by position", [
    roomId,
  ]);

test.each<Cut>(["statement", "answer"])(
  "guarantees 1 and 4: a node that loses the %s of a send repeats it with the same ids: one message, and readers get it",
  async (cut) => {
    const roomId = await alice.createRoom(cut);
    await using feed = alice.roomEvents(roomId);
    await feed.find(isCaughtUp);
    await alice.send(roomId, "before");
    const broken = proxy.cutNext("send-messages", cut);
    const sent = await Promise.all(
      ["one", "two", "three"].map((content) => alice.send(roomId, content, { clientMessageId: content })),
    );
    await broken;
    await alice.send(roomId, "after");
    await feed.find((item) => item.message?.content === "after");
    const inRoom = await stored(roomId);
    expect(inRoom).toHaveLength(5);
    for (const message of sent)
      expect(inRoom.find(({ id }) => id === message.id)).toMatchObject({ content: message.content });
    expect(wordsOf(feed.all).slice(1)).toEqual(inRoom.map(({ content }) => content));
  },
);

test.each<Cut>(["statement", "answer"])(
  "guarantee 1: a node that loses the %s of an edit or a deletion repeats it: it takes one revision",
  async (cut) => {
    const roomId = await alice.createRoom(cut);
    const { id: messageId } = await alice.send(roomId, "first");
    const before = Number((await stored(roomId))[0]!.revision);
    let broken = proxy.cutNext("change-messages", cut);
    const edited = await alice.mutate<{ message: SentMessage }>(
      "editMessage",
      { roomId, messageId, content: "second" },
      "message { content }",
    );
    await broken;
    expect(edited).toMatchObject({ message: { content: "second" }, userErrors: [] });
    expect(await stored(roomId)).toMatchObject([{ content: "second", revision: String(before + 1) }]);
    broken = proxy.cutNext("change-messages", cut);
    const { userErrors } = await alice.mutate("deleteMessage", { roomId, messageId });
    await broken;
    expect(userErrors).toEqual([]);
    expect(await stored(roomId)).toMatchObject([{ content: null, revision: String(before + 2) }]);
  },
);

test("guarantee 1: a node whose backend is ended while a send waits repeats it: one message", async () => {
  const roomId = await alice.createRoom("Ended");
  await using holder = await openSql(database.url);
  await lockRoom(holder, roomId);
  const sending = alice.send(roomId, "through all");
  await othersWait(holder, sql);
  // In a statement of its own: while one looks for who waits, it would end the one that repeats the send too.
  const waits = "select pid from pg_stat_activity where $1 = any (pg_blocking_pids(pid))";
  const { pid } = await sql.row<{ pid: number }>(waits, [holder.pid]);
  await sql.rows("select pg_terminate_backend($1)", [pid]);
  await othersWait(holder, sql);
  await holder.rows("commit");
  const { id } = await sending;
  expect(await stored(roomId)).toMatchObject([{ id, content: "through all" }]);
});
