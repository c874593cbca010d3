import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenOf } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { otherClients, type FeedItem } from "./others/clients.ts";
import { createSocket } from "./others/socket.ts";
import { webSocketUrl } from "./support.ts";
import { Wire } from "./wire.ts";

let database: TestDatabase;
let server: ServerProcess;
let alice: TestUser;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ databaseUrl: database.url });
  alice = await TestUser.open(server, "alice");
  await TestUser.open(server, "bob");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

const contentsOf = (items: FeedItem[]) =>
  items.flatMap((item) => (item.__typename === "MessageSent" ? [item.message.content] : []));
const cursorsOf = (items: FeedItem[]) =>
  items.flatMap((item) => (item.__typename === "CaughtUp" ? item.cursors : [item.cursor]));

describe.each(otherClients)("%s", (_name, open) => {
  function openBob() {
    const wire = new Wire();
    let tokens = 0;
    const getToken = () => {
      tokens++;
      return tokenOf("bob");
    };
    const client = open({ url: webSocketUrl(server), getToken, webSocketImpl: wire.WebSocket });
    return { client, wire, tokens: () => tokens };
  }

  test("gets everything once and in order, and resumes from the newest cursor, whatever breaks", async () => {
    const roomId = await alice.createRoom("Others", ["bob"]);
    const send = async (...contents: string[]) => {
      let last = "";
      for (const content of contents) last = (await alice.send(roomId, content)).position;
      return last;
    };
    const { client, wire, tokens } = openBob();
    const items: FeedItem[] = [];
    client.watch({ roomId, onItem: (item) => items.push(item) });
    await until("caught up", () => items.length === 1);
    await send("1");
    const { message } = await client.send({ roomId, content: "2", clientMessageId: "two" });
    expect(message).toMatchObject({ content: "2", sender: { id: "bob" } });
    const before = await send("3");
    await until("live", () => contentsOf(items).length === 3);
    // The network breaks, and while nobody is connected there are more.
    const asked = tokens();
    wire.cut();
    await send("4", "5");
    await until("resumed", () => contentsOf(items).length === 5);
    expect(wire.afterOf("roomEvents").at(-1)! >= before).toBe(true);
    expect(tokens()).toBeGreaterThan(asked);
    // The server dies, and comes back.
    const last = items.at(-1)!;
    await server.kill();
    await server.start();
    await send("6", "7");
    await until("resumed", () => contentsOf(items).length >= 7);
    expect(contentsOf(items)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(wire.afterOf("roomEvents").at(-1)! >= cursorsOf([last])[0]!).toBe(true);
    const cursors = items.filter((item) => item.__typename !== "CaughtUp").map(({ cursor }) => cursor);
    expect(cursors).toEqual([...new Set(cursors)].toSorted((a, b) => (a < b ? -1 : 1)));

    // The page is loaded anew: it goes on with the cursor that it kept.
    const kept = cursorsOf(items).at(-1)!;
    wire.cut();
    const { client: anew } = openBob();
    await send("8");
    const later: FeedItem[] = [];
    anew.watch({ roomId, after: kept, onItem: (item) => later.push(item) });
    await until("resumed", () => later.some(({ __typename }) => __typename === "CaughtUp"));
    expect(contentsOf(later)).toEqual(["8"]);
  }, 120_000);

  test("is told why the server refuses, and does not ask again and again", async () => {
    const { client, wire } = openBob();
    const roomId = await alice.createRoom("Without Bob");
    const refused: unknown[] = [];
    client.watch({ roomId, onItem: () => refused.push("an item"), onRefused: (code) => refused.push(code) });
    await until("refused", () => refused.length > 0);
    const { message, userErrors } = await client.send({ roomId, content: "hello" });
    expect(message).toBeNull();
    expect(userErrors).toMatchObject([{ __typename: "NotFoundError", code: "NOT_FOUND" }]);
    expect(refused).toEqual(["NOT_FOUND"]);
    expect(wire.begun("roomEvents")).toHaveLength(1);
  });

  test("hears of the removal from the room once, and nothing after it", async () => {
    const roomId = await alice.createRoom("Removed", ["bob"]);
    const { client, wire } = openBob();
    const items: FeedItem[] = [];
    client.watch({ roomId, onItem: (item) => items.push(item) });
    await until("caught up", () => items.length === 1);
    await alice.mutate("removeMember", { roomId, userId: "bob" });
    await alice.send(roomId, "not for Bob");
    await until("over", () => wire.openSockets === 0);
    expect(items.map(({ __typename }) => __typename)).toEqual(["CaughtUp", "MemberLeft"]);
  });

  test("a repeated send posts once, and with other content is a conflict", async () => {
    const { client } = openBob();
    const roomId = await alice.createRoom("Twice", ["bob"]);
    const input = { roomId, content: "once", clientMessageId: "the same" };
    const [first, second] = [await client.send(input), await client.send(input)];
    expect(second.message).toEqual(first.message);
    const { userErrors } = await client.send({ ...input, content: "other" });
    expect(userErrors).toMatchObject([{ __typename: "ConflictError", code: "CONFLICT" }]);
  });
});

test("a socket of all rooms resumes with the newest cursor of each", async () => {
  const roomIds = [await alice.createRoom("One", ["bob"]), await alice.createRoom("Two", ["bob"])];
  const wire = new Wire();
  const url = webSocketUrl(server);
  const socket = createSocket({ url, getToken: () => tokenOf("bob"), webSocketImpl: wire.WebSocket });
  const query = `subscription ($after: [Cursor!]) { inbox(after: $after, kinds: [MESSAGE]) {
    ... on RoomEvent { cursor } ... on CaughtUp { cursors } } }`;
  const told: (string | undefined)[] = [];
  let caughtUp = 0;
  const stop = socket.subscribe<{ inbox: { cursor?: string } }>(
    { query },
    {
      next({ data }) {
        if (data?.inbox.cursor === undefined) caughtUp++;
        else told.push(data.inbox.cursor);
      },
      error: (error) => told.push(String(error)),
      complete: () => undefined,
    },
  );
  await until("caught up", () => caughtUp === 1);
  const due: string[] = [];
  const send = async (roomId: string) => due.push((await alice.send(roomId, "hello")).position);
  for (const roomId of [...roomIds, ...roomIds]) await send(roomId);
  await until("told", () => told.length === 4);
  wire.cut();
  await send(roomIds[1]!);
  await until("resumed", () => told.length === 5);
  expect(told).toEqual(due);
  const after = wire.afterOf("inbox").at(-1) as string[];
  for (const cursor of due.slice(2, 4)) expect(after).toContain(cursor);
  expect(new Set(after.map((cursor) => cursor.split(".")[0])).size).toBe(after.length);
  stop();
});
