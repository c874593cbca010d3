import { expect, test } from "vitest";
import { createFakeClock, settled } from "../../test/support/fake-clock.ts";
import { InboxStore } from "./inbox-store.ts";
import { at, read, sent, summary } from "../../test/support/room-events.ts";
import type { Requests } from "./requests.ts";
import type { RoomSummary } from "./room-summary.ts";

/** A server that answers when the test says so. */
function open() {
  const clock = createFakeClock();
  const asked: { query: string; answer: (data: unknown) => void; fail: (error: Error) => void }[] = [];
  const ask = (document: unknown) =>
    new Promise((resolve, reject) => {
      const query = /query (\w+)/.exec(String(document))![1]!;
      asked.push({ query, answer: resolve, fail: reject });
    });
  const faults: unknown[] = [];
  const store = new InboxStore({
    userId: "me",
    requests: { ask } as unknown as Requests,
    clock,
    random: () => 0.5,
    maxRooms: 10,
    anchored: async () => undefined,
    onFault: (error) => faults.push(error),
  });
  // Ends with the store.
  store.load().catch(() => undefined);

  async function answer(query: string, data: unknown) {
    await settled();
    const index = asked.findIndex((one) => one.query === query);
    if (index === -1)
      throw new Error(`${query} was not asked, but ${asked.map((one) => one.query).join() || "nothing"}.`);
    asked.splice(index, 1)[0]!.answer(data);
    await settled();
  }
  const page = (rooms: Partial<RoomSummary>[]) => ({
    rooms: { edges: rooms.map((node) => ({ node })), pageInfo: { hasNextPage: false, endCursor: null } },
  });
  const queries = () => asked.map((one) => one.query);
  const unread = () => store.find("r")?.unreadCount;
  return { clock, store, asked, faults, answer, page, queries, unread };
}

test("a message that may be in the loaded count already is counted by the server again", async () => {
  const { clock, store, answer, page, queries, unread } = open();
  await answer("Rooms", page([summary(3, 2)]));
  store.take([sent(4)]);
  await answer("RoomCursors", page([{ id: "r", cursor: at(4) }]));
  expect(store.inbox.get()).toMatchObject({ status: "ready", unreadCount: 3 });
  await clock.advance(1_000);
  await answer("Room", { room: summary(4, 2) });
  await answer("RoomCursor", { room: { id: "r", cursor: at(4) } });
  expect(unread()).toBe(2);
  // From here on there is no doubt.
  store.take([sent(5)]);
  await clock.advance(60_000);
  expect(queries()).toEqual([]);
  expect(unread()).toBe(3);
});

test("what was read elsewhere is counted by the server, once for many events, and more and more seldom", async () => {
  const { clock, store, answer, page, queries, unread } = open();
  await answer("Rooms", page([summary(1, 0)]));
  store.take([sent(2), sent(3)]);
  let revision = 4;
  const beganMs = clock.now();
  const askedMs: number[] = [];
  for (let round = 0; round < 6; round++) {
    store.take([read(revision++, "me"), read(revision++, "me"), read(revision++, "me")]);
    for (; queries().length === 0; await clock.advance(100));
    askedMs.push(clock.now() - beganMs);
    const { cursor } = store.find("r")!;
    await answer("Room", { room: { ...summary(3, 1), cursor } });
    await answer("RoomCursor", { room: { id: "r", cursor } });
  }
  expect(askedMs).toEqual([500, 1_500, 3_500, 7_500, 15_500, 23_500]);
  expect(unread()).toBe(1);
  store.dispose();
  expect(clock.timers).toBe(0);
});

test("the answer to the user's own reading saves the question", async () => {
  const { clock, store, answer, page, queries, unread } = open();
  await answer("Rooms", page([summary(1, 0)]));
  store.take([sent(2), sent(3), read(4, "me")]);
  store.putCounts({ id: "r", cursor: at(4), unreadCount: 1 });
  await clock.advance(60_000);
  expect(queries()).toEqual([]);
  expect(unread()).toBe(1);
});

test("a list that cannot be loaded is loaded again, with backoff", async () => {
  const { clock, store, asked, faults, answer, page } = open();
  await settled();
  asked.pop()!.fail(new Error("Not now."));
  await settled();
  expect(faults).toHaveLength(1);
  expect(store.inbox.get().status).toBe("loading");
  await clock.advance(1_000);
  await answer("Rooms", page([summary(3, 0)]));
  expect(store.inbox.get()).toMatchObject({ status: "ready", rooms: [{ id: "r" }] });
});

test("after a reset nothing that was asked for before shows", async () => {
  const { clock, store, answer, page, queries } = open();
  await answer("Rooms", page([summary(3, 0)]));
  store.take([sent(4), read(5, "me")]);
  store.reset();
  expect(store.inbox.get()).toEqual({ status: "loading", rooms: [], unreadCount: 0 });
  store.load().catch(() => undefined);
  await answer("Rooms", page([summary(1, 0)]));
  await clock.advance(60_000);
  expect(queries()).toEqual([]);
  expect(store.find("r")).toMatchObject({ cursor: at(1), unreadCount: 0 });
});
