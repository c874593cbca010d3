import { execFile } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tokenOf } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { openSql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";
import type { Absence, Return } from "./long-absence-program.ts";
import { webSocketUrl } from "./support.ts";

const missed = 10_000;
/** All of them are 40 MB at least, on either side. */
const contentLength = 4_000;
/** Of V8's old generation, in MiB: whoever holds what was missed ends for want of memory. */
const maxServerHeapMiB = 44;
const maxClientHeapMiB = 32;

let database: TestDatabase;
let server: ServerProcess;
let alice: TestUser;

beforeAll(async () => {
  database = await createTestDatabase();
  const env = { NODE_OPTIONS: `--max-old-space-size=${maxServerHeapMiB}` };
  server = await startServerProcess({ databaseUrl: database.url, env });
  alice = await TestUser.open(server, "alice");
  for (const id of ["bob", "carol"]) await TestUser.open(server, id);
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

/** A room in which alice wrote 10,000 messages since another user was there; and the position before those. */
async function openBusyRoom(userId: string): Promise<{ roomId: string; cursor: string }> {
  const roomId = await alice.createRoom("Busy", [userId]);
  await using sql = await openSql(database.url);
  const { revision } = await sql.row<{ revision: string }>("select revision from rooms where id = $1", [roomId]);
  await sql.rows(
    `with room as (
      update rooms set revision = revision + $2::int, message_revision = revision + $2::int, hlc = hlc + $2::int, active_at = now()
      where id = $1 returning id, revision - $2::int as revision, hlc - $2::int as hlc
    ) insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)
      select room.id, room.revision + n, gen_random_uuid(), room.revision + n, 'alice', n, '', lpad(n::text, $3::int, '.'), room.hlc + n, 'test', now()
      from room, generate_series(1, $2::int) n`,
    [roomId, missed, contentLength],
  );
  return { roomId, cursor: `${roomId}.${revision.padStart(16, "0")}` };
}

test.each([
  ["by pages", "bob", 0],
  ["over the subscription", "carol", null],
])(
  "away for 10,000 messages, a client catches up %s while live traffic goes on: neither side holds what was missed, and other questions are answered meanwhile",
  async (_how, userId, pagesAfterMs) => {
    const { roomId, cursor } = await openBusyRoom(userId);
    const absence: Absence = {
      url: webSocketUrl(server),
      userId,
      token: await tokenOf(userId),
      roomId,
      cursor,
      pagesAfterMs,
      maxMessages: 500,
      middle: 1_000,
      lastContent: "the last one",
    };
    const program = fileURLToPath(new URL("long-absence-program.ts", import.meta.url));
    const args = [`--max-old-space-size=${maxClientHeapMiB}`, program, JSON.stringify(absence)];
    const returning = promisify(execFile)(process.execPath, args);
    await Promise.race([once(returning.child.stdout!, "data"), returning]);
    for (let index = 0; index < 20; index++) await alice.send(roomId, `live ${index}`);
    await alice.send(roomId, "the last one");
    const { stdout } = await returning;
    const told = JSON.parse(stdout.split("\n")[1]!) as Return;
    expect(told).toMatchObject({ events: missed + 21, isInOrder: true, lastShown: "the last one" });
    expect(told.maxShown).toBeLessThanOrEqual(500);
    expect(told.answeredAfter).toBeLessThan(missed);
    // A page was asked for only when the one before was there.
    if (pagesAfterMs === null) expect(told.pages).toBe(0);
    else expect(told.pages).toBeGreaterThanOrEqual(missed / 100);
    expect(told.maxPagesAtOnce).toBe(pagesAfterMs === null ? 0 : 1);
    expect(server.isRunning).toBe(true);
  },
  120_000,
);
