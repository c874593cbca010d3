/**
 * What read receipts cost in a room of 1,000 members: commits, events and the time of a call while 500 of them mark the
 * newest message as read, spread over one second and all at once, with the gathering of a busy room's calls and without
 * it; then what the reads cost in a room of 10,000 messages, and what very many holes cost in one of 50,000.
 *
 *   node bench/receipts.ts
 */
import { makeDataDir, removeDataDir } from "../test/support/postgres-folder.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import { createHybridLogicalClock } from "../src/clock/hlc.ts";
import { openEmbeddedDatabase } from "../src/database/embedded.ts";
import { migrate } from "../src/database/migrate.ts";
import { openDatabase } from "../src/database/pool.ts";
import { openMemoryBus } from "../src/live/bus.memory.ts";
import type { MessageRow } from "../src/log/changes.ts";
import { uncounted } from "../src/log/hub-metrics.ts";
import { Hub } from "../src/log/hub.ts";
import { createLogStore } from "../src/log/log.store.ts";
import type { Publication } from "../src/log/publication.ts";
import { createRoomLog } from "../src/log/room-log.ts";
import { createMessages } from "../src/messages/messages.ts";
import { createMessagesStore } from "../src/messages/messages.store.ts";
import { createPace, type Pace } from "../src/receipts/pace.ts";
import { createReceipts } from "../src/receipts/receipts.ts";
import { createReceiptsStore } from "../src/receipts/receipts.store.ts";
import { createRooms } from "../src/rooms/rooms.ts";
import { median, percentile } from "./support/statistics.ts";

const memberCount = 1_000;
const readerCount = 500;
const rounds = 5;
const longRoom = 10_000;
const page = 50;
const halfRead = 50_000;

const reportFault = (fault: unknown) => console.error(fault instanceof Error ? fault.message : fault);
const users = Array.from({ length: memberCount }, (_, index) => {
  const id = `user-${index}`;
  return { id, name: id, avatarUrl: null };
});
const [author] = users;
const readers = users.slice(1, 1 + readerCount);

const folder = await makeDataDir();
const embedded = await openEmbeddedDatabase({ dataDir: folder, log: () => {} });
const database = openDatabase({ url: embedded.url, onFault: reportFault });
try {
  await migrate(database);
  const clock = createHybridLogicalClock({ now: Date.now });
  const bus = openMemoryBus({ log: pino({ level: "silent" }) });
  await using hub = new Hub({
    nodeId: "bench",
    bus,
    store: createLogStore(database),
    metrics: uncounted,
    onFault: reportFault,
    clock,
  });
  const messages = createMessages({ store: createMessagesStore(database), hub, clock, nodeId: "bench" });
  const store = createReceiptsStore(database);
  await database.query({
    text: "insert into users (id, name) select id, id from unnest($1::text[]) as t (id)",
    values: [users.map(({ id }) => id)],
  });
  const rooms = createRooms({ log: createRoomLog({ database, hub }), maxRoomsPerUser: 1_000 });
  const memberIds = users.slice(1).map(({ id }) => id);
  const roomId = await rooms.create(author!.id, { name: "Bench", memberIds });
  const send = () => messages.send(author!, { roomId, content: "x".repeat(120) });

  /** Commits, events and the times of calls, of one crowd. */
  async function crowd(pace: Pace, spreadMs: number) {
    const message = await send();
    let commits = 0;
    let events = 0;
    const publish = (publication: Publication) => {
      commits += 1;
      events += publication.changes.length;
      hub.publish(publication);
    };
    const receipts = createReceipts({ store, hub: { publish }, pace });
    const timesMs: number[] = [];
    const begin = performance.now();
    await Promise.all(
      readers.map(async (reader, index) => {
        await sleep((spreadMs * index) / readerCount);
        const start = performance.now();
        await receipts.markRead(reader, { roomId, upToId: message.id });
        timesMs.push(performance.now() - start);
      }),
    );
    return { commits, events, timesMs, tookMs: performance.now() - begin };
  }

  console.log(
    `${readerCount} of ${memberCount} members mark the newest message as read; medians of ${rounds}, node ${process.version}`,
  );
  for (const spreadMs of [1_000, 0]) {
    for (const [name, openPace] of [
      ["gathered", createPace],
      ["as they come", () => ({ turn: async () => {} })],
    ] as const) {
      const results = [];
      for (let round = 0; round < rounds; round++) results.push(await crowd(openPace(), spreadMs));
      const events = median(results.map((result) => result.events));
      const timesMs = results.flatMap((result) => result.timesMs);
      console.log(
        `  ${spreadMs === 0 ? "at once      " : "within 1 s   "} ${name.padEnd(13)}` +
          `${median(results.map(({ commits }) => commits))} commits, ${events} events, ` +
          `${(events * memberCount).toLocaleString("en")} frames if all watch (one a call: ${(readerCount * memberCount).toLocaleString("en")}); ` +
          `a call takes ${median(timesMs).toFixed(0)} ms, p99 ${percentile(timesMs, 99).toFixed(0)} ms; ` +
          `all done after ${median(results.map(({ tookMs }) => tookMs)).toFixed(0)} ms`,
      );
    }
  }

  const all: MessageRow[] = [];
  while (all.length < longRoom) all.push(...(await Promise.all(Array.from({ length: 500 }, send))));
  const receipts = createReceipts({ store, hub, pace: { turn: async () => {} } });
  const unread = (readerId: string) => store.countUnread([{ roomId, viewerId: readerId }]);
  console.log(
    `\na room of ${longRoom.toLocaleString("en")} messages and ${memberCount.toLocaleString("en")} members, one statement each`,
  );
  await time("unread count, all unread", () => unread("user-1"));
  await time("mark all up to the last as read", (round) =>
    receipts.markRead(users[1 + round]!, { roomId, upToId: all.at(-1)!.id }),
  );
  await time("unread count, all read", () => unread("user-1"));
  for (const reader of users.slice(1)) await receipts.markRead(reader, { roomId, upToId: all.at(-10)!.id });
  await time("unread count, nine unread", () => unread("user-999"));
  const last = all.slice(-page);
  const keys = last.map(({ id, position, senderId }) => ({
    roomId,
    messageId: id,
    position,
    senderId,
    viewerId: "user-1",
  }));
  await time(`readBy of a page of ${page}, read by 999 each`, () =>
    store.readReaders(keys, { after: null, limit: 21 }),
  );
  const memberKeys = users.slice(0, page).map(({ id }) => ({ roomId, readerId: id, viewerId: "user-1" }));
  await time(`readThrough of ${page} members`, () => store.readThrough(memberKeys));

  const holedId = await rooms.create(author!.id, { name: "Holes", memberIds: [readers[0]!.id] });
  const newestId = await insertHalfRead(holedId);
  const stepsMs: number[] = [];
  const markStep: typeof store.mark = async (...step) => {
    const start = performance.now();
    const marked = await store.mark(...step);
    stepsMs.push(performance.now() - start);
    return marked;
  };
  const inSteps = createReceipts({ store: { mark: markStep }, hub, pace: { turn: async () => {} } });
  console.log(`\na room of ${halfRead.toLocaleString("en")} messages, every other one read an hour ago`);
  await time("unread count", () => store.countUnread([{ roomId: holedId, viewerId: readers[0]!.id }]));
  const start = performance.now();
  await inSteps.markRead(readers[0]!, { roomId: holedId, upToId: newestId });
  console.log(
    `  mark all up to the last as read: ${(performance.now() - start).toFixed(0)} ms, ` +
      `in ${stepsMs.length} commits of ${median(stepsMs).toFixed(0)} ms, at most ${Math.max(...stepsMs).toFixed(0)} ms`,
  );
} finally {
  await database.close();
  await embedded.close();
  await removeDataDir(folder);
}

/** The author's messages, of which the first of the readers has read every other one. Gives the last one's id. */
async function insertHalfRead(roomId: string): Promise<string> {
  const values = [roomId, halfRead];
  await database.query({
    text: `insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)
      select $1::uuid, 2 + n, md5($1::text || n)::uuid, 2 + n, 'user-0', n, '', 'x', n, 'bench', now() from generate_series(1, $2::int) n`,
    values,
  });
  await database.query({
    text: `insert into read_ranges (room_id, reader_id, from_position, through_position, read_at, revision)
      select $1, 'user-1', 2 + n, 2 + n, now() - interval '1 hour', 3 + $2::int from generate_series(1, $2::int, 2) n`,
    values,
  });
  const { rows } = await database.query<{ id: string }>({
    text: `with moved as (update rooms set revision = 3 + $2, message_revision = 2 + $2, receipt_revision = 3 + $2 where id = $1)
      select id from messages where room_id = $1 and position = 2 + $2`,
    values,
  });
  return rows[0]!.id;
}

async function time(what: string, work: (round: number) => Promise<unknown>): Promise<void> {
  const timesMs: number[] = [];
  for (let round = 0; round < 20; round++) {
    const start = performance.now();
    await work(round);
    timesMs.push(performance.now() - start);
  }
  console.log(
    `  ${what.padEnd(42)} ${median(timesMs).toFixed(2).padStart(8)} ms, p95 ${percentile(timesMs, 95).toFixed(2)} ms`,
  );
}
