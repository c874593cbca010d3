import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedOf, startTestApp, type TestApp } from "../support/app.ts";
import type { Backstage, What } from "../support/receipts.ts";
import { mark, openBackstage, readingOf } from "../support/receipts.ts";
import { TestUser } from "../support/user.ts";
import { ReadingModel, userIds, type UserId } from "./receipts-model.ts";

/** What happens in a room; numbers are taken modulo what is there. */
type Step =
  | { type: "send"; by: UserId }
  | { type: "delete"; message: number }
  | { type: "mark"; by: UserId; messages: number[] }
  | { type: "markUpTo"; by: UserId; message: number }
  | { type: "markTogether"; message: number; also: number[] }
  | { type: "elapse"; seconds: number }
  | { type: "leaveOrJoin"; user: UserId };

const by = fc.constantFrom(...userIds);
const message = fc.nat(40);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("send" as const), by }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("delete" as const), message }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("mark" as const),
      by,
      messages: fc.array(message, { minLength: 1, maxLength: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("markUpTo" as const), by, message }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("markTogether" as const),
      message,
      also: fc.array(message, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("elapse" as const), seconds: fc.integer({ min: 5, max: 70 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("leaveOrJoin" as const), user: fc.constantFrom("carol", "dave") }),
  },
);

let app: TestApp;
let backstage: Backstage;
let users: Record<UserId, TestUser>;

beforeAll(async () => {
  app = await startTestApp();
  backstage = await openBackstage(app);
  const opened = await Promise.all(userIds.map(async (id) => [id, await TestUser.open(app, id)] as const));
  users = Object.fromEntries(opened) as Record<UserId, TestUser>;
});

afterAll(async () => {
  for (const user of Object.values(users ?? {})) await user[Symbol.asyncDispose]();
  await backstage?.[Symbol.asyncDispose]();
  await app?.close();
});

test("whatever is sent, deleted and marked, everybody is shown what a simple model says, and events tell the same live and by catch-up", async () => {
  const seed = seedOf("receipts against a model");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), fc.nat(40), async (steps, resumeAt) => {
      const roomId = await users.alice.createRoom("Model", userIds.slice(1));
      const model = new ReadingModel();
      await using live = users.alice.watch<{ roomEvents: ReadEvent }>(readEvents("Live"), { roomId });
      await live.next();
      let resumed = await backstage.revisionOf(roomId);
      for (const [index, taken] of steps.entries()) {
        if (index === resumeAt) resumed = await backstage.revisionOf(roomId);
        await take(roomId, taken, model);
        const observer = userIds[index % userIds.length]!;
        if (model.isMember(observer)) await check(roomId, observer, model);
      }
      for (const userId of userIds) if (model.isMember(userId)) await check(roomId, userId, model);

      const { readBy } = await readingOf(users.alice, roomId);
      const shown = new Map(
        [...readBy].flatMap(([id, receipts]) =>
          receipts.map(({ reader, readAt }) => [`${reader.id} ${id}`, Date.parse(readAt)] as const),
        ),
      );
      const caughtUp = await eventsAfter(roomId, 0);
      expect(model.told(caughtUp)).toEqual(shown);
      const last = await backstage.revisionOf(roomId);
      await users.alice.send(roomId, "the end");
      await live.find(({ data }) => data!.roomEvents.type === "MessageSent" && revisionOf(data!.roomEvents) > last);
      const liveEvents = readsAmong(live).map((event) => model.aged(event));
      expect(model.told(liveEvents)).toEqual(shown);
      const before = liveEvents.filter((event) => revisionOf(event) <= resumed);
      expect(model.told([...before, ...(await eventsAfter(roomId, resumed))])).toEqual(shown);
    }),
    { seed, numRuns: 15 },
  );
}, 120_000);

async function take(roomId: string, taken: Step, model: ReadingModel): Promise<void> {
  if (taken.type === "elapse") {
    await backstage.elapse(roomId, taken.seconds);
    model.elapse(taken.seconds, await backstage.revisionOf(roomId));
  } else if (taken.type === "leaveOrJoin") {
    const name = model.isMember(taken.user) ? "removeMember" : "addMember";
    await users.alice.mutate(name, { roomId, userId: taken.user });
    model.leaveOrJoin(taken.user);
  } else if (taken.type === "send") {
    if (!model.isMember(taken.by)) return;
    const { id, position } = await users[taken.by].send(roomId, "x");
    model.send(id, taken.by, revisionOf({ cursor: position }));
  } else if (model.messages.length > 0) {
    await takeOn(roomId, taken, model);
  }
}

async function takeOn(
  roomId: string,
  taken: Extract<Step, { type: "delete" | "mark" | "markUpTo" | "markTogether" }>,
  model: ReadingModel,
): Promise<void> {
  const indexOf = (number: number) => number % model.messages.length;
  const idOf = (number: number) => model.messages[indexOf(number)]!.id;
  const upTo = (number: number) => Array.from({ length: indexOf(number) + 1 }, (_, index) => index);
  switch (taken.type) {
    case "delete":
      await users.alice.mutate("deleteMessage", { roomId, messageId: idOf(taken.message) });
      model.messages[indexOf(taken.message)]!.deleted = true;
      break;
    case "mark":
      await markOne(roomId, taken.by, { messageIds: taken.messages.map(idOf) }, taken.messages.map(indexOf), model);
      break;
    case "markUpTo":
      await markOne(roomId, taken.by, { upToId: idOf(taken.message) }, upTo(taken.message), model);
      break;
    case "markTogether": {
      const members = userIds.filter((userId) => model.isMember(userId));
      const from = Date.now();
      // Each reader makes two calls at once, which may overlap.
      await Promise.all(
        members.flatMap((userId) => [
          mark(users[userId], roomId, { upToId: idOf(taken.message) }),
          mark(users[userId], roomId, { messageIds: taken.also.map(idOf) }),
        ]),
      );
      for (const userId of members)
        model.read(userId, [...upTo(taken.message), ...taken.also.map(indexOf)], [from, Date.now()]);
    }
  }
}

async function markOne(
  roomId: string,
  userId: UserId,
  what: What,
  indexes: number[],
  model: ReadingModel,
): Promise<void> {
  if (!model.isMember(userId)) {
    await expect(mark(users[userId], roomId, what)).rejects.toThrow("NOT_FOUND");
    return;
  }
  const before = await backstage.revisionOf(roomId);
  const from = Date.now();
  await mark(users[userId], roomId, what);
  const isNew = model.read(userId, indexes, [from, Date.now()]);
  expect(await backstage.revisionOf(roomId)).toBe(before + (isNew ? 1 : 0));
}

async function check(roomId: string, userId: UserId, model: ReadingModel): Promise<void> {
  const reading = await readingOf(users[userId], roomId);
  expect(reading.unreadCount).toBe(model.unreadCount(userId));
  for (const [member, through] of reading.readThrough)
    expect([member, through]).toEqual([member, model.readThrough(member as UserId)]);
  expect([...reading.readBy.keys()]).toEqual(model.messages.map(({ id }) => id));
  for (const [id, receipts] of reading.readBy) {
    expect(receipts.map(({ reader }) => reader.id).sort()).toEqual(model.readersOf(id));
    const times = receipts.map(({ readAt }) => Date.parse(readAt));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    receipts.forEach(({ reader }, index) => model.checkTime(reader.id as UserId, id, times[index]!));
  }
}

type ReadEvent = {
  type: string;
  cursor: string;
  ranges?: { reader: { id: string }; from: string; through: string; readAt: string }[];
};
type ReadFeed = ReturnType<typeof TestUser.prototype.watch<{ roomEvents: ReadEvent }>>;
const readEvents = (
  name: string,
) => `subscription ${name}($roomId: ID!, $after: Cursor) { roomEvents(roomId: $roomId, after: $after, kinds: [RECEIPT, MESSAGE]) {
  type: __typename ... on RoomEvent { cursor } ... on MessagesRead { ranges { reader { id } from through readAt } } } }`;
const revisionOf = ({ cursor }: { cursor: string }) => Number(cursor.split(".")[1]);
const readsAmong = ({ all }: ReadFeed) =>
  all.map(({ data }) => data!.roomEvents).filter(({ type }) => type === "MessagesRead");

async function eventsAfter(roomId: string, revision: number): Promise<ReadEvent[]> {
  const after = `${roomId}.${String(revision).padStart(16, "0")}`;
  // Another operation than the live one, or the node would replay what it told live.
  await using feed = users.alice.watch<{ roomEvents: ReadEvent }>(readEvents("CatchUp"), { roomId, after });
  await feed.find(({ data }) => data!.roomEvents.type === "CaughtUp");
  return readsAmong(feed);
}
