import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { asOperator, operatorCommand, operatorToken } from "../support/operator.ts";
import { lockRoom, othersWait } from "../support/locks.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startServerProcess } from "../support/server-process.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { watchStatements } from "../support/statements.ts";
import { until } from "../support/until.ts";
import { feedFields, TestUser, type Item } from "../support/user.ts";

let app: TestApp;
let sql: Sql;
let alice: TestUser;
let users = 0;

beforeAll(async () => {
  app = await startTestApp({ env: { OPERATOR_TOKEN: operatorToken } });
  sql = await openSql(app.databaseUrl);
  alice = await TestUser.open(app, "alice");
});
afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
});

/** Everything that this user writes, and what they are called, has the mark in it. */
async function newUser() {
  const mark = `mark${(users += 1)}x`;
  const user = await TestUser.open(app, `id-${mark}`, {
    name: `Name ${mark}`,
    picture: `https://pictures.example/${mark}.png`,
  });
  return { mark, user };
}

/** Tables with a row in which the text stands. */
async function tablesWith(database: Sql, text: string): Promise<string[]> {
  const tables = await database.rows<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public'`,
  );
  expect(tables.map(({ name }) => name)).toEqual(expect.arrayContaining(["members", "messages", "users", "presence"]));
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await database.rows(`select from "${name}" t where strpos(t::text, $1) > 0 limit 1`, [text]);
    if (rows.length > 0) found.push(name);
  }
  return found;
}

/** All that the viewer is told of the room after the cursor. */
async function resumed(roomId: string, after: string | null): Promise<string> {
  await using feed = alice.roomEvents(roomId, { after });
  await feed.find(({ __typename }) => __typename === "CaughtUp");
  return JSON.stringify(feed.all);
}

test("an erased user's messages are tombstones, live and for who resumes, and no trace is left in any table", async () => {
  const { mark, user } = await newUser();
  const roomId = await user.createRoom("Group", ["alice"]);
  const { room: direct } = await alice.mutate<{ room: { id: string } }>(
    "openDirectRoom",
    { userId: user.id },
    "room { id }",
  );
  const cursorBefore = (await alice.must<{ room: { cursor: string } }>(`{ room(id: "${roomId}") { cursor } }`)).room
    .cursor;
  await using live = alice.roomEvents(roomId);
  await live.next();
  const asked = await alice.send(roomId, "a question");
  const answer = await user.send(roomId, `answer ${mark}`, { clientMessageId: `client-${mark}`, replyToId: asked.id });
  await user.send(direct.id, `in private ${mark}`);
  await user.mutate("editMessage", { roomId, messageId: answer.id, content: `edited ${mark}` });
  const deleted = await user.send(roomId, `deleted ${mark}`);
  await user.mutate("deleteMessage", { roomId, messageId: deleted.id });
  await alice.send(roomId, "a reply", { replyToId: answer.id });
  await user.mutate("markRead", { roomId, upToId: asked.id });
  await user.mutate("setPresence", { customStatus: `status ${mark}` });
  const cursorAfter = (await alice.must<{ room: { cursor: string } }>(`{ room(id: "${roomId}") { cursor } }`)).room
    .cursor;
  expect(await tablesWith(sql, mark)).toEqual(
    expect.arrayContaining(["users", "members", "messages", "presence", "read_ranges", "read_progress"]),
  );
  await using socket = await RawSocket.open(app.url, user.token);

  const { status, lines } = await asOperator(app, "erase", user.id);

  expect(status).toBe(200);
  expect(lines.at(-1)).toEqual({ rooms: 2, messages: 3 });
  await socket.until(() => socket.closeCode !== undefined);
  expect(socket.closeCode).toBe(4403);
  expect(await tablesWith(sql, mark)).toEqual([]);

  const told: Item[] = [];
  while (told.filter(({ __typename }) => __typename === "MessageDeleted").length < 3) told.push(await live.next());
  const gone = told.filter(({ message }) => message?.sender.id.startsWith("erased:"));
  expect(new Set(gone.map(({ message }) => message!.id))).toEqual(new Set([answer.id, deleted.id]));
  expect(gone.every(({ message }) => message!.content === null && message!.sender.name === "Deleted user")).toBe(true);
  expect(told.find(({ __typename }) => __typename === "MemberLeft")!.user!.id).toBe(user.id);
  for (const after of [cursorBefore, cursorAfter]) {
    const text = await resumed(roomId, after);
    expect(text).toContain(answer.id);
    expect(text).not.toContain(mark);
  }
  const everything = await alice.must(
    `query ($roomId: ID!, $directId: ID!) {
    room(id: $roomId) { ...R } direct: room(id: $directId) { ...R }
    sync(first: 100) { events { ${feedFields.replace("... on CaughtUp { cursors }", "")} } }
    users(search: "Deleted") { edges { node { id } } }
    user(id: "${user.id}") { id }
  }
  fragment R on Room { memberCount peer { id name } members { edges { node { user { id name avatarUrl } role } } }
    messages { edges { node { content sender { name } replyTo { content sender { name } } readBy { edges { node { reader { id } } } } } } } }
  fragment M on Message { id content clientMessageId position version sender { id name } }`,
    { roomId, directId: direct.id },
  );
  expect(JSON.stringify(everything)).not.toContain(`id-${mark}`);
  expect(everything).toMatchObject({
    room: { memberCount: 1, members: { edges: [{ node: { user: { id: "alice" }, role: "OWNER" } }] } },
    direct: { peer: { name: "Deleted user" } },
    users: { edges: [] },
    user: null,
  });
});

test("an erasure of many messages tells how far it has come, and others' messages go on meanwhile", async () => {
  const { mark, user } = await newUser();
  const roomId = await user.createRoom("Long", ["alice"]);
  await sql.rows(
    `insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)
     select $1, n, gen_random_uuid(), n, case when n % 2 = 0 then $2 else 'alice' end, n, '', $3, n, 'test', now()
     from generate_series(3, 45000) n`,
    [roomId, user.id, `text ${mark}`],
  );
  await sql.rows(`update rooms set revision = 45000, message_revision = 45000 where id = $1`, [roomId]);
  const erasing = asOperator(app, "erase", user.id);
  const sent = await alice.send(roomId, "meanwhile");
  const { lines } = await erasing;
  const counts = lines.map(({ messages }) => messages as number);
  expect(counts.at(-1)).toBe(22_499);
  expect(counts.length).toBeGreaterThan(45);
  expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  expect(await sql.row(`select content from messages where id = $1`, [sent.id])).toEqual({ content: "meanwhile" });
  const { kept } = await sql.row<{ kept: number }>(
    `select count(*)::int as kept from messages where room_id = $1 and sender_id = 'alice' and content is not null`,
    [roomId],
  );
  expect(kept).toBe(22_500);
  expect(await tablesWith(sql, user.id)).toEqual([]);
  const { revisions } = await sql.row<{ revisions: boolean }>(
    `select count(*) = count(distinct revision) and max(revision) <= (select revision from rooms where id = $1) as revisions
     from messages where room_id = $1`,
    [roomId],
  );
  expect(revisions).toBe(true);
});

test("the direct room of one who was erased and came back is a room of both again", async () => {
  const { user } = await newUser();
  type Opened = { room: { id: string; memberCount: number; peer: { id: string } | null } };
  const open = (who: TestUser, userId: string) =>
    who.mutate<Opened>("openDirectRoom", { userId }, "room { id memberCount peer { id } }");
  const { room } = await open(alice, user.id);
  await alice.send(room.id, "before");
  await asOperator(app, "erase", user.id);
  const { userErrors } = await alice.mutate("openDirectRoom", { userId: user.id }, "room { id }");
  expect(userErrors).toMatchObject([{ code: "NOT_FOUND", path: ["userId"] }]);
  const back = await TestUser.open(app, user.id);
  expect((await open(alice, user.id)).room).toEqual({ id: room.id, memberCount: 2, peer: { id: user.id } });
  expect((await open(back, "alice")).room).toEqual({ id: room.id, memberCount: 2, peer: { id: "alice" } });
  await back.send(room.id, "after");
  await alice.send(room.id, "welcome");
  await back[Symbol.asyncDispose]();
});

test("the id of an erased user cannot be made a member: it is NOT_FOUND, like that of any unknown user", async () => {
  const { user } = await newUser();
  const roomId = await alice.createRoom("Left", [user.id]);
  await asOperator(app, "erase", user.id);
  const { alias } = await sql.row<{ alias: string }>(
    `select user_id as alias from members where room_id = $1 and user_id <> 'alice'`,
    [roomId],
  );
  for (const [name, input, argument] of [
    ["addMember", { roomId, userId: alias }, "userId"],
    ["createRoom", { name: "New", memberIds: [alias] }, "memberIds"],
    ["openDirectRoom", { userId: alias }, "userId"],
  ] as const) {
    const { userErrors } = await alice.mutate(name, input);
    expect(userErrors).toMatchObject([{ code: "NOT_FOUND", path: [argument] }]);
  }
});

test("an erasure goes on where the user is added again to a room that is done, and erases that too", async () => {
  const { mark, user } = await newUser();
  const roomIds = [await alice.createRoom("One", [user.id]), await alice.createRoom("Other", [user.id])];
  const [first, second] = roomIds.toSorted() as [string, string];
  for (const roomId of roomIds) await user.send(roomId, `text ${mark}`);
  await using holder = await openSql(app.databaseUrl);
  await lockRoom(holder, second);
  const erasing = asOperator(app, "erase", user.id);
  await othersWait(holder, sql);
  const { userErrors } = await alice.mutate("addMember", { roomId: first, userId: user.id });
  expect(userErrors).toEqual([]);
  await holder.rows("commit");
  expect((await erasing).lines.at(-1)).toEqual({ rooms: 3, messages: 2 });
  expect(await tablesWith(sql, mark)).toEqual([]);
  const { erased } = await sql.row<{ erased: number }>(
    `select count(*)::int as erased from members where room_id = $1 and user_id like 'erased:%'`,
    [first],
  );
  expect(erased).toBe(2);
});

test("an erasure whose last step meets somebody who adds the user to a room erases that too", async () => {
  const { mark, user } = await newUser();
  const former = await alice.createRoom("Former", [user.id]);
  await alice.mutate("removeMember", { roomId: former, userId: user.id });
  const roomId = await alice.createRoom("Added");
  await using holder = await openSql(app.databaseUrl);
  await lockRoom(holder, former);
  const erasing = asOperator(app, "erase", user.id);
  await othersWait(holder, sql);
  using statements = watchStatements(app.databaseUrl);
  const met = statements.afterNext("save-members", async () => {
    await holder.rows("commit");
    await until("the erasure waits for who adds the user", async () => {
      const text = `select from pg_stat_activity where datname = current_database() and query like '%users where id%' and cardinality(pg_blocking_pids(pid)) > 0`;
      return (await sql.rows(text)).length > 0;
    });
  });
  const { userErrors } = await alice.mutate("addMember", { roomId, userId: user.id });
  expect(userErrors).toEqual([]);
  await met;
  expect((await erasing).lines.at(-1)).toEqual({ rooms: 2, messages: 0 });
  expect(await tablesWith(sql, mark)).toEqual([]);
});

test("an export holds everything that is kept of the user, and nothing that others wrote", async () => {
  const { mark, user } = await newUser();
  const roomId = await user.createRoom("Export", ["alice"]);
  const others = await alice.send(roomId, "not theirs");
  const contents = Array.from({ length: 30 }, (_, index) => `message ${index} ${mark}`);
  for (const content of contents) await user.send(roomId, content);
  await user.mutate("markRead", { roomId, upToId: others.id });
  await user.mutate("setPresence", { customStatus: `status ${mark}` });
  const { lines } = await asOperator(app, "export", user.id);
  const of = (type: string) => lines.filter((line) => line.type === type);
  expect(of("user")).toMatchObject([{ id: user.id, name: `Name ${mark}`, customStatus: `status ${mark}` }]);
  expect(of("membership")).toMatchObject([{ roomId, roomName: "Export", role: "OWNER", leftAt: null }]);
  expect(of("message").map(({ content }) => content)).toEqual(contents);
  expect(of("message")[0]).toMatchObject({ roomId, sentAt: expect.stringMatching(/^\d{4}-.*Z$/) as string });
  expect(of("receipt")).toHaveLength(1);
  expect(JSON.stringify(lines)).not.toContain("not theirs");
});

test("only who has the operator's token is an operator", async () => {
  expect((await asOperator(app, "export", "alice", alice.token)).status).toBe(401);
  expect((await asOperator(app, "export", "alice", `${operatorToken}x`)).status).toBe(401);
  expect((await asOperator(app, "toString", "alice")).status).toBe(404);
  expect((await asOperator(app, "export", "\0")).status).toBe(400);
  await using none = await startTestApp();
  expect((await asOperator(none, "export", "alice")).status).toBe(404);
});

test("a user of whom nothing is known is not found", async () => {
  for (const action of ["export", "erase"]) {
    const { status, lines } = await asOperator(app, action, "nobody");
    expect(status).toBe(404);
    expect(lines).toEqual([{ error: { code: "NOT_FOUND", message: "No such user." } }]);
  }
});

test("the operator's command asks the server that runs, and does without one", async () => {
  await using database = await createTestDatabase();
  await using server = await startServerProcess({ databaseUrl: database.url, env: { OPERATOR_TOKEN: operatorToken } });
  const user = await TestUser.open(server, "carol");
  const roomId = await user.createRoom("Command");
  await user.send(roomId, "what carol wrote");
  await using socket = await RawSocket.open(server.url, user.token);
  const env = { PORT: new URL(server.url).port, DATABASE_URL: database.url };

  await operatorCommand(["revoke", "carol"], env);
  if (socket.closeCode === undefined) await once(socket.socket, "close");
  expect(socket.closeCode).toBe(4403);
  const running = await operatorCommand(["export", "carol"], env);
  expect(running.stdout).toContain("what carol wrote");
  await server.stop();
  const { stderr } = await operatorCommand(["erase", "carol"], env);
  expect(JSON.parse(stderr.trim().split("\n").at(-1)!)).toEqual({ rooms: 1, messages: 1 });
  await using after = await openSql(database.url);
  expect(await tablesWith(after, "carol")).toEqual([]);
  await expect(operatorCommand(["erase", "carol"], env)).rejects.toThrow("NOT_FOUND");
}, 60_000);
