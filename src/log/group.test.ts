import { expect, test } from "vitest";
import type { RoomRow } from "./changes.ts";
import { changeKinds } from "./changes.ts";
import { Deliveries } from "./deliveries.ts";
import { Group } from "./group.ts";
import { uncounted } from "./hub-metrics.ts";
import { fromDatabase } from "./origin.ts";
import { payloadOf } from "./payload.ts";
import { Reader } from "./reader.ts";
import { RingBudget } from "./ring-budget.ts";
import type { FeedBatch } from "./room-feed.ts";
import type { Executed, Selection } from "./selection.ts";
import type { Sink } from "./sink.ts";

const roomId = "room";
const room: RoomRow = {
  id: roomId,
  kind: "GROUP",
  name: "Room",
  createdAt: 0,
  memberCount: 1,
  revision: 1,
  roomRevision: 1,
  memberRevision: 0,
};
const before = { messages: null, members: null, receipts: null, room: null };
const batch: FeedBatch = {
  changes: [{ type: "RoomUpdated", revision: 1, room, roomId, before, origin: fromDatabase } as never],
  users: [],
  messages: [],
  room,
  stretch: null,
  leavers: new Set(),
};

function world() {
  const deliveries = new Deliveries(uncounted);
  const ringBudget = new RingBudget({ maxBytes: 1 << 20 });
  const events = { fellBehind: 0, given: 0 };

  function groupOf(selection: Omit<Selection, "kinds">) {
    const all = { ...selection, kinds: new Set(changeKinds) };
    return new Group(all, { position: 0, memberRevision: 0, deliveries, ringBudget });
  }

  /** A reader that is live. */
  function addReader(group: Group, { isOverloaded }: { isOverloaded: () => boolean }) {
    const sink = {
      get overloaded() {
        return isOverloaded();
      },
      next: () => void (events.given += 1),
      nextAll: (payloads: unknown[]) => void (events.given += payloads.length),
    } as unknown as Sink;
    const owner = {
      viewer: { id: `user ${group.readers.size}`, name: "User", avatarUrl: null },
      sink,
      fellBehind: () => void (events.fellBehind += 1),
      reset() {},
      left() {},
    };
    const reader = new Reader({ owner, group, roomId, position: 0, held: 0, memberThrough: 0, reason: "joined" });
    reader.goLive();
  }

  return { groupOf, addReader, events };
}

test("large responses of many groups do not wait for the end of the turn together", async () => {
  const { groupOf, addReader, events } = world();
  const groups = Array.from({ length: 40 }, (_, index) => {
    // Of 1 MiB each, and no two the same.
    const run = (): Executed => ({ payload: payloadOf(String(index).padEnd(1 << 20)), memberRevision: 0 });
    const group = groupOf({ key: String(index), perViewer: false, begin: () => ({ run }) });
    addReader(group, { isOverloaded: () => false });
    return group;
  });
  for (const group of groups) group.push(batch);
  expect(events.given).toBeGreaterThanOrEqual(35);
  await new Promise(setImmediate);
  expect(events.given).toBe(40);
});

test("responses of each viewer's own are made few at a time where they are large, and many where they are small", async () => {
  const { groupOf, addReader, events } = world();
  const [small, large] = await Promise.all([10, 100_000].map(mostAtOnceOf));
  expect(large).toBe(10);
  expect(small).toBeGreaterThan(100);
  expect(events.given).toBe(400);

  async function mostAtOnceOf(length: number): Promise<number> {
    let atOnce = 0;
    let most = 0;
    let given = 0;
    const run = async (): Promise<Executed> => {
      most = Math.max(most, ++atOnce);
      await new Promise(setImmediate);
      atOnce -= 1;
      given += 1;
      return { payload: payloadOf("x".repeat(length)), memberRevision: 0 };
    };
    const group = groupOf({ key: String(length), perViewer: true, begin: () => ({ run }) });
    for (let index = 0; index < 200; index++) addReader(group, { isOverloaded: () => false });
    group.push(batch);
    await expect.poll(() => given).toBe(200);
    return most;
  }
});

test("nothing is made for viewers whose sockets have enough", async () => {
  const { groupOf, addReader, events } = world();
  let made = 0;
  const run = async (): Promise<Executed> => ({ payload: payloadOf(String((made += 1))), memberRevision: 0 });
  const group = groupOf({ key: "own", perViewer: true, begin: () => ({ run }) });
  for (let index = 0; index < 200; index++) addReader(group, { isOverloaded: () => index % 2 === 0 });
  group.push(batch);
  await expect.poll(() => events.given).toBe(100);
  expect(made).toBe(100);
  expect(events.fellBehind).toBe(100);
});
