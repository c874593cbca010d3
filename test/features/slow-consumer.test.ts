import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf } from "../support/items.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { watchStatements } from "../support/statements.ts";
import { until } from "../support/until.ts";
import { roomEventsDocument, TestUser, type Item } from "../support/user.ts";

const drainTimeoutMs = 2_000;
/** As many UTF-8 bytes as characters. */
const content = "x".repeat(8_000);

const env = { MAX_BUFFERED_BYTES: String(256 * 1024), MAX_SOCKETS_PER_USER: "100" };

let app: TestApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp({ hub: { drainTimeoutMs }, env });
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(app, "bob");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
  await app.close();
});

/** Of one without labels, or with them as they are written. */
async function metric(name: string, server: { url: string } = app): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const start = `causerie_${name} `;
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(start))
      ?.slice(start.length),
  );
}

const cursorsOf = (socket: RawSocket) =>
  socket
    .responses<{ roomEvents: Item }>("feed")
    .map(({ roomEvents }) => roomEvents.cursor)
    .filter((cursor) => cursor !== undefined);

async function watching(roomId: string, server: { url: string } = app): Promise<RawSocket> {
  const socket = await RawSocket.open(server.url, bob.token);
  socket.subscribe("feed", roomEventsDocument, { roomId });
  await socket.until(() => socket.responses("feed").length === 1);
  return socket;
}

/** Sends until a reader that takes nothing was noticed. */
async function sendUntil(roomId: string, condition: () => Promise<boolean>, sender = alice): Promise<string[]> {
  const positions: string[] = [];
  await until(
    "the server notices",
    async () => {
      const sent = await Promise.all(Array.from({ length: 50 }, () => sender.send(roomId, content)));
      positions.push(...sent.map(({ position }) => position));
      return condition();
    },
    60_000,
  );
  return positions.sort();
}

test("guarantee 6: a reader that stops is closed with 1013 after its time, the others miss nothing", async () => {
  const roomId = await alice.createRoom("Slow", ["bob"]);
  await using stopped = await watching(roomId);
  await using reader = await watching(roomId);
  const closedBefore = await metric("too_slow_closed_total");
  stopped.stopReading();
  const positions = await sendUntil(roomId, async () => (await metric("too_slow_closed_total")) > closedBefore);
  await reader.until(() => cursorsOf(reader).length === positions.length);
  expect(cursorsOf(reader)).toEqual(positions);

  stopped.goOnReading();
  await stopped.until(() => stopped.closeCode !== undefined);
  // Where the close frame could not be brought to the client in time, the connection was cut.
  expect([1013, 1006]).toContain(stopped.closeCode);

  // It comes back with its cursor and has everything.
  const got = cursorsOf(stopped);
  expect(got).toEqual(positions.slice(0, got.length));
  await using feed = bob.roomEvents(roomId, { after: got.at(-1) ?? `${roomId}.0000000000000002` });
  const rest: string[] = [];
  for (let item = await feed.next(); item.__typename !== "CaughtUp"; item = await feed.next()) rest.push(item.cursor);
  expect([...got, ...rest]).toEqual(positions);
});

test("guarantee 6: a reader that stops for a moment is caught up, with nothing lost, doubled or reordered", async () => {
  const roomId = await alice.createRoom("Moment", ["bob"]);
  await using reader = await watching(roomId);
  const slowBefore = await metric("slow_consumers_total");
  reader.stopReading();
  const positions = await sendUntil(roomId, async () => (await metric("slow_consumers_total")) > slowBefore);
  reader.goOnReading();
  const last = await alice.send(roomId, "the end");
  await reader.until(() => cursorsOf(reader).at(-1) === last.position);
  expect(cursorsOf(reader)).toEqual([...positions, last.position]);
  expect(reader.closeCode).toBeUndefined();
});

test("readers that are slow for a moment replay what the group kept: no read of the database for each", async () => {
  // A node of its own, where nobody is closed for being slow for some seconds.
  await using patient = await startTestApp({ databaseUrl: app.databaseUrl, env });
  const sender = alice.at(patient);
  const roomId = await sender.createRoom("Ring", ["bob"]);
  const readers = await Promise.all(Array.from({ length: 20 }, () => watching(roomId, patient)));
  for (const reader of readers) reader.stopReading();
  using statements = watchStatements(app.databaseUrl);
  const positions = await sendUntil(
    roomId,
    async () => (await metric("slow_consumers_total", patient)) >= readers.length,
    sender,
  );
  for (const reader of readers) reader.goOnReading();
  const last = await sender.send(roomId, "the end");
  await Promise.all(readers.map((reader) => reader.until(() => cursorsOf(reader).at(-1) === last.position)));
  for (const reader of readers) expect(cursorsOf(reader)).toEqual([...positions, last.position]);
  const reads = statements.sent.filter((name) => name === "log-read-for-member").length;
  console.log(
    `${readers.length} slow readers, ${positions.length} messages of ${content.length} bytes: ${reads} reads of the database`,
  );
  expect(reads).toBeLessThan(readers.length);
  for (const reader of readers) await reader[Symbol.asyncDispose]();
}, 90_000);

test("guarantee 6: all catch-ups of a client that takes nothing get what may wait for it, then go on, each in order", async () => {
  await using patient = await startTestApp({ databaseUrl: app.databaseUrl, env });
  const sender = alice.at(patient);
  const roomId = await sender.createRoom("Many", ["bob"]);
  const sent = await Promise.all(Array.from({ length: 60 }, () => sender.send(roomId, content)));
  const positions = sent.map(({ position }) => position).sort();
  const copies = Array.from({ length: 8 }, (_, n) => `copy${n}: content`).join(" ");
  const document = `subscription ($after: Cursor) {
    roomEvents(roomId: "${roomId}", after: $after, kinds: [MESSAGE]) {
      ... on MessageSent { cursor message { sender { name } ${copies} } }
    }
  }`;
  const ids = Array.from({ length: 20 }, (_, n) => `feed${n}`);

  await using socket = await RawSocket.open(patient.url, bob.token);
  socket.stopReading();
  for (const id of ids) socket.subscribe(id, document, { after: beginningOf(roomId) });
  await until("all of them wait", async () => (await metric("slow_consumers_total", patient)) >= ids.length);
  const given = await metric('events_out_total{how="catch-up"}', patient);
  // The kernel takes some mebibytes more.
  expect(given * 8 * content.length).toBeLessThan(24 * 2 ** 20);

  socket.goOnReading();
  const cursorsOfFeed = (id: string) =>
    socket.responses<{ roomEvents: { cursor?: string } }>(id).flatMap(({ roomEvents: { cursor } }) => cursor ?? []);
  await socket.until(() => ids.every((id) => cursorsOfFeed(id).length >= positions.length), 60_000);
  for (const id of ids) expect(cursorsOfFeed(id)).toEqual(positions);
}, 90_000);

test("guarantee 6: however many ways one user asks for the same, what groups keep for replay stays within the node's bound", async () => {
  const maxRingBytes = 512 * 1024;
  await using bounded = await startTestApp({ databaseUrl: app.databaseUrl, env, hub: { maxRingBytes } });
  const sender = alice.at(bounded);
  const roomId = await sender.createRoom("Ways", ["bob"]);
  await using socket = await RawSocket.open(bounded.url, bob.token);
  const ids = Array.from({ length: 30 }, (_, n) => `feed${n}`);
  for (const id of ids)
    socket.subscribe(
      id,
      `subscription ($after: Cursor) {
        roomEvents(roomId: "${roomId}", after: $after, kinds: [MESSAGE]) { ... on MessageSent { cursor message { ${id}: content } } }
      }`,
      {},
    );
  await socket.until(() => ids.every((id) => socket.responses(id).length === 1));
  expect(bounded.hub.groups).toBe(ids.length);
  const positions = await sendUntil(
    roomId,
    async () => {
      expect(bounded.hub.ringBytes).toBeLessThanOrEqual(maxRingBytes);
      return bounded.hub.ringBytes > maxRingBytes / 2;
    },
    sender,
  );
  // A reader whose ring has forgotten what it lacks finds it in the database.
  socket.stopReading();
  const slowBefore = await metric("slow_consumers_total", bounded);
  positions.push(
    ...(await sendUntil(roomId, async () => (await metric("slow_consumers_total", bounded)) > slowBefore, sender)),
  );
  socket.goOnReading();
  const cursorsOfFeed = (id: string) =>
    socket.responses<{ roomEvents: { cursor?: string } }>(id).flatMap(({ roomEvents: { cursor } }) => cursor ?? []);
  await socket.until(() => ids.every((id) => cursorsOfFeed(id).length >= positions.length), 60_000);
  for (const id of ids) expect(cursorsOfFeed(id)).toEqual(positions);
  expect(bounded.hub.ringBytes).toBeLessThanOrEqual(maxRingBytes);

  await socket[Symbol.asyncDispose]();
  await until("nothing is kept for nobody", async () => bounded.hub.ringBytes === 0);
}, 90_000);
