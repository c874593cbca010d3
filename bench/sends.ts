/**
 * Acknowledged sends per second with 64 in flight, into one hot room and over 100 rooms, against the same number of
 * messages written one by one over the same pool in the same run:
 *   naive   begin, lock the room's row, insert, raise the room's revision, commit: what keeps an order without batches
 *   insert  a bare INSERT in a transaction of its own: what keeps nothing
 * and through the whole API over WebSockets, with the CPU time of the server's process.
 *
 *   node bench/sends.ts [--seconds 3] [--rounds 5]
 */
import { randomUUID } from "node:crypto";
import { makeDataDir, removeDataDir } from "../test/support/postgres-folder.ts";
import { parseArgs } from "node:util";
import { createHybridLogicalClock } from "../src/clock/hlc.ts";
import { openEmbeddedDatabase } from "../src/database/embedded.ts";
import { migrate } from "../src/database/migrate.ts";
import { openDatabase, type Database } from "../src/database/pool.ts";
import { openMemoryBus } from "../src/live/bus.memory.ts";
import { uncounted } from "../src/log/hub-metrics.ts";
import { Hub } from "../src/log/hub.ts";
import { createLogStore } from "../src/log/log.store.ts";
import { createRoomLog } from "../src/log/room-log.ts";
import { createMessages } from "../src/messages/messages.ts";
import { createMessagesStore } from "../src/messages/messages.store.ts";
import { createRooms } from "../src/rooms/rooms.ts";
import { createAccountsStore } from "../src/accounts/accounts.store.ts";
import { pino } from "pino";
import { benchApi } from "./support/sends-api.ts";

// The rivals write rows of the same width into a table with the same indexes.
const COLUMNS =
  "(room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)";
const BARE_INSERT = `insert into rival_messages ${COLUMNS} values ($1, nextval('rival_positions'), $2, 1, 'sender', $3, '\\x00', $4, 0, 'bench', now())`;
const NAIVE_INSERT = `insert into rival_messages ${COLUMNS} values ($1, $5, $2, $5, 'sender', $3, '\\x00', $4, 0, 'bench', now())`;

const inFlight = 64;
const roomCount = 100;
const content = "x".repeat(120);
const { values } = parseArgs({
  options: { seconds: { type: "string", default: "3" }, rounds: { type: "string", default: "5" } },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);

const reportFault = (fault: unknown) => console.error(fault instanceof Error ? fault.message : fault);

type Contestant = { name: string; send: (roomId: string) => Promise<unknown> };

const folder = await makeDataDir();
const embedded = await openEmbeddedDatabase({ dataDir: folder, log: () => {} });
const database = openDatabase({ url: embedded.url, onFault: reportFault, connectionTimeoutMs: 60_000 });
try {
  await migrate(database);
  const log = pino({ level: "silent" });
  const bus = openMemoryBus({ log });
  const store = createLogStore(database);
  const clock = createHybridLogicalClock({ now: Date.now });
  await using hub = new Hub({ nodeId: "bench", bus, store, metrics: uncounted, onFault: reportFault, clock });
  const sizes: number[] = [];
  const messages = createMessages({
    store: createMessagesStore(database),
    hub,
    clock,
    nodeId: "bench",
    onBatch: (size) => sizes.push(size),
  });
  const sender = { id: "sender", name: "Sender", avatarUrl: null };
  await createAccountsStore(database).saveProfile(sender);
  const rooms = createRooms({ log: createRoomLog({ database, hub }), maxRoomsPerUser: 1_000 });
  const roomIds: string[] = [];
  for (let index = 0; index < roomCount; index++)
    roomIds.push(await rooms.create(sender.id, { name: `Room ${index}`, memberIds: [] }));
  await prepareRivals(database);

  const contestants: Contestant[] = [
    { name: "causerie", send: (roomId) => messages.send(sender, { roomId, content }) },
    { name: "naive", send: (roomId) => sendNaively(database, roomId) },
    {
      name: "insert",
      send: (roomId) => database.query({ name: "bare", text: BARE_INSERT, values: bareValues(roomId) }),
    },
  ];
  console.log(`${inFlight} in flight, ${seconds} s a turn, ${rounds} rounds, node ${process.version}`);
  await compare("one hot room", contestants, () => roomIds[0]!);
  let next = 0;
  await compare(`${roomCount} rooms`, contestants, () => roomIds[next++ % roomCount]!);
  console.log(
    `batches of causerie: mean ${(sizes.reduce((sum, size) => sum + size, 0) / sizes.length).toFixed(1)} messages`,
  );
  await benchApi({ databaseUrl: embedded.url, seconds });
} finally {
  await database.close();
  await embedded.close();
  await removeDataDir(folder);
}

async function compare(title: string, contestants: Contestant[], room: () => string): Promise<void> {
  const results = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, send } of contestants) results.get(name)!.push(await perSecond(() => send(room())));
  }
  console.log(`\n${title}`);
  const own = results.get("causerie")!;
  for (const [name, rates] of results) {
    const ratio = median(own.map((rate, round) => rate / rates[round]!));
    console.log(
      `  ${name.padEnd(9)} ${median(rates).toFixed(0).padStart(7)} /s   causerie is ${ratio.toFixed(1)} × that (median of ${rounds} rounds' ratios)`,
    );
  }
}

async function perSecond(send: () => Promise<unknown>): Promise<number> {
  const begin = performance.now();
  const end = begin + seconds * 1_000;
  let done = 0;
  const work = async () => {
    while (performance.now() < end) {
      await send();
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return done / ((performance.now() - begin) / 1_000);
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

async function prepareRivals(db: Database): Promise<void> {
  await db.query({ text: "create table rival_messages (like messages including all)" });
  await db.query({ text: "create table rival_rooms as select id, revision from rooms" });
  await db.query({ text: "alter table rival_rooms add primary key (id)" });
  await db.query({ text: "create sequence rival_positions" });
}

function bareValues(roomId: string): unknown[] {
  return [roomId, randomUUID(), randomUUID(), content];
}

async function sendNaively(db: Database, roomId: string): Promise<void> {
  await db.transaction(async (tx) => {
    const { rows } = await tx.query<{ revision: number }>({
      name: "naive-lock",
      text: "select revision from rival_rooms where id = $1 for update",
      values: [roomId],
    });
    // Positions of the other rival are below: one table serves both.
    const revision = rows[0]!.revision + 1;
    await tx.query({ name: "naive-insert", text: NAIVE_INSERT, values: [...bareValues(roomId), revision + 1e12] });
    await tx.query({
      name: "naive-raise",
      text: "update rival_rooms set revision = $2 where id = $1",
      values: [roomId, revision],
    });
  });
}
