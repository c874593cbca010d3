import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../src/database/migrate.ts";
import { openDatabase, type Database } from "../../src/database/pool.ts";
import { changeKinds, type Change, type ChangeKind } from "../../src/log/changes.ts";
import { newId } from "../../src/log/ids.ts";
import { createLogStore, type LogStore } from "../../src/log/log.store.ts";
import type { RoomPage } from "../../src/log/room-page.ts";
import { seedOf } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { ModelRoom } from "./model-room.ts";
import { saveRoom } from "./saved-room.ts";

const userIds = ["ann", "ben", "cat"];

let testDatabase: TestDatabase;
let database: Database;
let store: LogStore;
let sql: Sql;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = openDatabase({ url: testDatabase.url, onFault: () => undefined });
  await migrate(database);
  store = createLogStore(database);
  sql = await openSql(testDatabase.url);
  await sql.rows("insert into users (id, name) select id, id from unnest($1::text[]) id", [userIds]);
});

afterAll(async () => {
  await sql[Symbol.asyncDispose]();
  await database.close();
  await testDatabase.close();
});

const steps = ["send", "send", "send3", "edit", "edit", "delete", "read", "leave", "join", "role", "rename"] as const;
type Step = { what: (typeof steps)[number]; who: number; at: number };

const history: fc.Arbitrary<Step[]> = fc.array(
  fc.record({ what: fc.constantFrom(...steps), who: fc.nat(userIds.length - 1), at: fc.nat(30) }),
  { minLength: 1, maxLength: 40, size: "max" },
);
const allKinds: ChangeKind[] = [...changeKinds];
const kinds = fc.oneof(fc.constant(allKinds), fc.subarray(allKinds, { minLength: 1 }));

function live(lived: Step[]): ModelRoom {
  const room = new ModelRoom(newId());
  for (const userId of userIds.slice(0, 2)) room.join(userId);
  for (const { what, who, at } of lived) {
    const userId = userIds[who]!;
    if (what === "send") room.send(userId);
    if (what === "send3") room.send(userId, 3);
    if (what === "edit") room.edit(at);
    if (what === "delete") room.delete(at);
    if (what === "read") room.read(userId, 1 + (at % 4));
    if (what === "leave") room.leave(userId);
    if (what === "join") room.join(userId);
    if (what === "role") room.setRole(userId);
    if (what === "rename") room.rename();
  }
  return room;
}

/** What the model says is left of these kinds after a position, up to a bound. */
function due(room: ModelRoom, options: { after: number; userId: string; kinds: ReadonlySet<ChangeKind> }): Change[] {
  const page = room.pageFor(options.userId, { ...options, limit: Number.MAX_SAFE_INTEGER });
  return (page?.changes ?? []).map(plain);
}

/** Of a MemberLeft that is told against the kinds only the user counts. */
function plain(change: Change): Change {
  if (change.type === "MemberLeft") return { ...change, member: { userId: change.member.userId } } as unknown as Change;
  if (change.type !== "MessagesRead") return change;
  const ranges = change.ranges.map(({ readerId, from, through, readAt }) => ({ readerId, from, through, readAt }));
  return { ...change, ranges: ranges.sort((a, b) => a.from - b.from) };
}

function checkPage(page: RoomPage, room: ModelRoom, asked: { userId: string; kinds: ReadonlySet<ChangeKind> }): void {
  const { after, through, bound } = page;
  const left = due(room, { ...asked, after });
  expect(page.changes.map(plain)).toEqual(left.filter((change) => change.revision <= through));
  expect(bound).toBe(room.members.get(asked.userId)!.leftRevision ?? room.revision);
  expect(through).toBe(page.complete ? Math.max(after, bound) : through);
  if (!page.complete) expect(through).toBeGreaterThan(after);
  expect(page.leftRevision).toBe(room.members.get(asked.userId)!.leftRevision);
}

test("pages of several rooms give what the model gives, at most so many, until nothing is left", async () => {
  const seed = seedOf("pages of the log");
  await fc.assert(
    fc.asyncProperty(
      fc.array(history, { minLength: 1, maxLength: 3 }),
      fc.record({ who: fc.nat(userIds.length - 1), limit: fc.integer({ min: 1, max: 12 }), kinds, from: fc.nat(20) }),
      async (histories, { who, limit, kinds: asked, from }) => {
        const rooms = histories.map(live);
        for (const room of rooms) await saveRoom(sql, room);
        const byId = new Map(rooms.map((room) => [room.id, room]));
        const reader = { userId: userIds[who]!, kinds: new Set(asked) };
        const positions = new Map(rooms.map((room) => [room.id, Math.min(from, room.revision)]));
        const hasMore = () => rooms.some((room) => due(room, { ...reader, after: positions.get(room.id)! }).length > 0);
        for (let pages = 0, more = true; more; pages++) {
          if (pages > 200) throw new Error("The pages do not end.");
          const after = [...positions].map(([roomId, revision]) => ({ roomId, revision }));
          const read = await store.readForMember({ ...reader, after, limit });
          expect(read.pages.flatMap((page) => page.changes).length).toBeLessThanOrEqual(limit);
          for (const page of read.pages) {
            checkPage(page, byId.get(page.roomId)!, reader);
            positions.set(page.roomId, page.through);
          }
          more = read.more;
          // With all kinds each revision that is left is an event, so it is exact.
          if (asked.length === changeKinds.length) expect(more).toBe(hasMore());
        }
        expect(hasMore()).toBe(false);
      },
    ),
    { seed, numRuns: 150 },
  );
}, 120_000);

test("a page that ends with more receipts of one commit than fit is the last one", async () => {
  const room = live([{ what: "read", who: 0, at: 3 }]);
  await saveRoom(sql, room);
  for (const limit of [1, 2, 3, 4]) {
    const { pages, more } = await store.readForMember({
      userId: "ann",
      after: [{ roomId: room.id, revision: 2 }],
      limit,
    });
    expect(more).toBe(false);
    expect(pages).toMatchObject([{ complete: true, through: 3, changes: [{ type: "MessagesRead" }] }]);
    expect(pages[0]!.changes.map(plain)).toEqual(room.changesBetween(2, 3, null).map(plain));
  }
});

test("what a node that fell behind reads is what the model gives, and who left since", async () => {
  const seed = seedOf("gaps of the log");
  await fc.assert(
    fc.asyncProperty(history, fc.nat(40), fc.integer({ min: 1, max: 12 }), async (lived, from, limit) => {
      const room = live(lived);
      await saveRoom(sql, room);
      for (let position = Math.min(from, room.revision), complete = false; !complete;) {
        const gap = (await store.readForNode({ roomId: room.id, revision: position }, limit))!;
        const left = room.changesBetween(position, room.revision, null).map(plain);
        expect(gap.changes.map(plain)).toEqual(left.filter((change) => change.revision <= gap.through));
        const leavers = [...room.members.values()].filter((member) => (member.leftRevision ?? 0) > position);
        expect(gap.leavers).toEqual(new Set(leavers.map((member) => member.userId)));
        expect(gap.room).toMatchObject({ revision: room.revision, memberRevision: room.row.memberRevision });
        if (position < room.revision) expect(gap.through).toBeGreaterThan(position);
        position = gap.through;
        complete = gap.complete;
        if (complete) expect(position).toBe(room.revision);
      }
    }),
    { seed, numRuns: 100 },
  );
}, 120_000);

test("heads, memberships and revisions are those of the model", async () => {
  const room = live(steps.map((what, at) => ({ what, who: at % 3, at })));
  await saveRoom(sql, room);
  expect(await store.readHeads([room.id, newId()])).toEqual([room.head()]);
  for (const userId of userIds) {
    const member = room.members.get(userId);
    const expected = member && {
      roomId: room.id,
      joinedRevision: member.joinedRevision,
      leftRevision: member.leftRevision,
      roomRevision: room.revision,
    };
    expect(await store.readMemberships(userId, [room.id, newId()])).toEqual(expected ? [expected] : []);
    const { rooms } = await store.readRoomsOfUser(userId);
    expect(rooms.filter(({ roomId }) => roomId === room.id)).toEqual(
      expected && expected.leftRevision === null ? [expected] : [],
    );
  }
  const { rooms, users } = await store.readRevisions([room.id, newId()], ["ann", "nobody"]);
  expect([...rooms]).toEqual([[room.id, room.revision]]);
  expect([...users]).toEqual([["ann", 0]]);
});
