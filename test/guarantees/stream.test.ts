import { afterAll, beforeAll, expect, test } from "vitest";
import { randomOf, seedOf, startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isA, isCaughtUp } from "../support/items.ts";
import { openSql } from "../support/sql.ts";
import { TestUser, type Item, type Received, type SentMessage } from "../support/user.ts";
import { TestBus } from "./test-bus.ts";

const senders = 8;
const messagesEach = 250;
const rooms = 3;
const lastWords = "That is all.";

let bus: TestBus;
let first: TestApp;
let second: TestApp;
let nodes: TestApp[];

beforeAll(async () => {
  bus = new TestBus();
  first = await startTestApp({ bus: bus.open(), env: { NODE_ID: "first" } });
  second = await startTestApp({ bus: bus.open(), databaseUrl: first.databaseUrl, env: { NODE_ID: "second" } });
  nodes = [first, second];
});

afterAll(async () => {
  await second.close();
  await first.close();
});

/** What one reader knows, over all its connections. */
type Reader = { name: string; cursors: Map<string, string>; seen: Map<string, Item[]>; connections: number };

/** Takes the items of one connection, and checks what each connection must keep to. */
function take(reader: Reader, newest: Map<string, string>, item: Item): void {
  if (isCaughtUp(item)) {
    for (const cursor of item.cursors!) advance(reader, cursor.split(".")[0]!, cursor);
    return;
  }
  const roomId = item.room!.id;
  const held = reader.cursors.get(roomId) ?? "";
  if (item.cursor <= (newest.get(roomId) ?? ""))
    throw new Error(`${reader.name}: ${item.cursor} after ${newest.get(roomId)}`);
  if ((item.previousCursor ?? "") > held) throw new Error(`${reader.name}: lost something before ${item.cursor}`);
  newest.set(roomId, item.cursor);
  advance(reader, roomId, item.cursor);
  if (!isA("MessageSent")(item)) return;
  const seen = reader.seen.get(roomId) ?? [];
  seen.push(item);
  reader.seen.set(roomId, seen);
}

function advance(reader: Reader, roomId: string, cursor: string): void {
  if (cursor > (reader.cursors.get(roomId) ?? "")) reader.cursors.set(roomId, cursor);
}

/** Reads until it has the last message of each room; breaks off at random and comes back, to any node, with its newest cursors. */
async function readAll(options: {
  reader: Reader;
  user: TestUser;
  roomIds: string[];
  random: () => number;
  subscribe: (user: TestUser, reader: Reader) => Received<Item>;
}): Promise<void> {
  const { reader, user, roomIds, random, subscribe } = options;
  const isDone = () => roomIds.every((roomId) => reader.seen.get(roomId)?.at(-1)?.message?.content === lastWords);
  while (!isDone()) {
    await using connection = user.at(nodes[Math.floor(random() * nodes.length)]!);
    const feed = subscribe(connection, reader);
    reader.connections += 1;
    const newest = new Map<string, string>();
    const breakOffAfter = 1 + Math.floor(random() * 150);
    for (let taken = 0; taken < breakOffAfter && !isDone(); taken++) take(reader, newest, await feed.next(30_000));
    // Half of them vanish without a word.
    if (random() < 0.5) connection.client().terminate();
    else feed.stop();
  }
}

async function sendAll(user: TestUser, roomIds: string[], random: () => number): Promise<SentMessage[]> {
  const acknowledged: SentMessage[] = [];
  for (let index = 0; index < messagesEach; index++) {
    const roomId = roomIds[Math.floor(random() * roomIds.length)]!;
    acknowledged.push(await user.send(roomId, `${user.id} ${index}`));
  }
  return acknowledged;
}

test("guarantees 1 to 3: readers that break off at random and resume have each of 2,000 messages once, in one order", async () => {
  const seed = seedOf("stream");
  const readerIds = ["r0", "r1", "r2", "r3", "r4", "r5"];
  const users = await Promise.all(
    [...readerIds, ...Array.from({ length: senders }, (_, index) => `s${index}`)].map((id) => TestUser.open(first, id)),
  );
  const readers = users.slice(0, readerIds.length);
  const writers = users.slice(readerIds.length);
  const roomIds: string[] = [];
  for (let index = 0; index < rooms; index++)
    roomIds.push(
      await writers[0]!.createRoom(
        `Room ${index}`,
        users.map((user) => user.id),
      ),
    );

  const states = readers.map((user): Reader => ({
    name: user.id,
    cursors: new Map(),
    seen: new Map(),
    connections: 0,
  }));
  const sending = Promise.all(
    writers.map((user, index) => sendAll(user.at(nodes[index % 2]!), roomIds, randomOf(seed + index))),
  );

  // The first three read one room each, the others read all rooms over the inbox.
  const reading = readers.map(async (user, index) => {
    const roomId = index < rooms ? roomIds[index]! : null;
    await readAll({
      reader: states[index]!,
      user,
      random: randomOf(seed + 100 + index),
      roomIds: roomId ? [roomId] : roomIds,
      subscribe: (connection, { cursors }) =>
        roomId
          ? connection.roomEvents(roomId, { after: cursors.get(roomId) ?? beginningOf(roomId) })
          : connection.inbox({ after: roomIds.map((id) => cursors.get(id) ?? beginningOf(id)) }),
    });
  });
  const acknowledged = (await sending).flat();
  expect(acknowledged).toHaveLength(senders * messagesEach);
  for (const roomId of roomIds) acknowledged.push(await writers[0]!.send(roomId, lastWords));
  await Promise.all(reading);

  await using sql = await openSql(first.databaseUrl);
  for (const roomId of roomIds) {
    const stored = await sql.rows<{ id: string; position: string; hlc: string }>(
      "select id, position, hlc_text(hlc, hlc_node) as hlc from messages where room_id = $1 order by position",
      [roomId],
    );
    const order = stored.map(({ id }) => id);
    expect(new Set(order)).toEqual(new Set(acknowledged.filter((m) => m.position.startsWith(roomId)).map((m) => m.id)));
    const clock = stored.map(({ hlc }) => hlc.slice(0, 17));
    expect(clock).toEqual([...new Set(clock)].sort());
    for (const state of states) {
      const seen = state.seen.get(roomId);
      if (seen) expect(seen.map((item) => item.message!.id)).toEqual(order);
    }
  }
  expect(states.slice(rooms).every((state) => state.seen.size === rooms)).toBe(true);
  expect(Math.min(...states.map((state) => state.connections))).toBeGreaterThan(1);
}, 120_000);
