import { afterAll, beforeAll, expect, test } from "vitest";
import { inspect, inspectedEnv, type Inspector } from "../support/inspected-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { TestUser } from "../support/user.ts";

const messages = 50_000;
const inFlight = 32;
const stoppedReaders = 5;
const maxHeldBytes = 4 * 2 ** 20;
/** Beneath it timers and the machine say more than the server. */
const leastLatencyMs = 50;

let database: TestDatabase;
let server: ServerProcess;
let inspector: Inspector;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ databaseUrl: database.url, env: inspectedEnv });
  inspector = await inspect(server);
});

afterAll(async () => {
  inspector[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

const feed = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { ... on MessageSent { message { content } } } }`;
const sendText = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { code } } }`;

async function reading(token: string, roomId: string): Promise<RawSocket> {
  const socket = await RawSocket.open(server.url, token);
  socket.subscribe("feed", feed, { roomId });
  await socket.until(() => socket.responses("feed").length === 1);
  return socket;
}

/** Sends so many, each with the time in it, and tells how late the 99th of a hundred came to this reader. */
async function p99While(sender: RawSocket, reader: RawSocket, roomId: string, count: number): Promise<number> {
  const latenciesMs: number[] = [];
  const listen = (data: Buffer) => {
    const sentAtMs = /#([\d.]+)#/.exec(data.toString())?.[1];
    if (sentAtMs) latenciesMs.push(performance.now() - Number(sentAtMs));
  };
  reader.socket.on("message", listen);
  let sent = 0;
  let answered = 0;
  const send = () => {
    sent += 1;
    const content = `#${performance.now()}# ${"x".repeat(1_000)}`;
    sender.subscribe(`s${sent} ${performance.now()}`, sendText, { input: { roomId, content } });
  };
  const onAnswer = (data: Buffer) => {
    if (!data.includes('"complete"')) return;
    answered += 1;
    if (sent < count) send();
  };
  sender.socket.on("message", onAnswer);
  for (let i = 0; i < inFlight; i++) send();
  await sender.until(() => answered >= count, 240_000);
  await reader.until(() => latenciesMs.length >= count, 30_000);
  reader.socket.off("message", listen);
  sender.socket.off("message", onAnswer);
  // They are not needed any more, and many.
  for (const socket of [sender, reader]) socket.messages.length = 0;
  return latenciesMs.toSorted((a, b) => a - b)[Math.floor(0.99 * count)]!;
}

test("guarantee 6: readers that stop cost the others no more than twice their time, and the process at most 4 MiB each", async () => {
  const alice = await TestUser.open(server, "alice");
  const bob = await TestUser.open(server, "bob");
  const roomId = await alice.createRoom("Crowd", ["bob"]);
  await using sender = await RawSocket.open(server.url, alice.token);
  await using reader = await reading(bob.token, roomId);
  await p99While(sender, reader, roomId, 2_000);
  const beforeMs = await p99While(sender, reader, roomId, 3_000);
  const before = await inspector.memory();

  const stopped = await Promise.all(Array.from({ length: stoppedReaders }, () => reading(bob.token, roomId)));
  for (const each of stopped) each.stopReading();
  const duringMs = await p99While(sender, reader, roomId, messages);
  const after = await inspector.memory();
  const heldBytes = (after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes) / stoppedReaders;
  for (const each of stopped) await each[Symbol.asyncDispose]();
  console.log(
    `${messages} messages, ${stoppedReaders} readers stopped: p99 ${beforeMs.toFixed(1)} → ${duringMs.toFixed(1)} ms, ${(heldBytes / 2 ** 20).toFixed(2)} MiB held for each`,
  );
  expect(heldBytes).toBeLessThan(maxHeldBytes);
  expect(duringMs).toBeLessThan(2 * Math.max(beforeMs, leastLatencyMs));
}, 300_000);
