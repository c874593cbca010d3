import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RoomReceipts, type PageMessage, type ReadRange } from "./room-receipts.ts";

const at = (revision: number) => `r.${String(revision).padStart(16, "0")}`;
const user = (id: string) => ({ id, name: id, avatarUrl: null });
const message = (position: number, sender = "ann") => ({
  id: `${sender}${position}`,
  position: at(position),
  sender: user(sender),
});
const range = (reader: string, from: number, through: number, readAt: string): ReadRange => ({
  reader: user(reader),
  from: at(from),
  through: at(through),
  readAt,
});

function pageMessage(
  position: number,
  sender: string,
  readers: Record<string, string>,
  ownReadAt: string | null = null,
): PageMessage {
  const edges = Object.entries(readers).map(([id, readAt]) => ({
    node: { id: `${position}:${id}`, reader: user(id), readAt },
  }));
  return { ...message(position, sender), readAt: ownReadAt, readBy: { edges } } as unknown as PageMessage;
}

function readersOf(receipts: RoomReceipts, position: number, sender?: string) {
  return receipts.receipts
    .get()
    .readersOf(message(position, sender))
    .map(({ user: { id }, readAt }) => `${id} ${readAt}`);
}

test("a message is read by those whose ranges hold it, but not by its sender, earliest first", () => {
  const receipts = new RoomReceipts("me");
  receipts.take([range("ben", 2, 5, "t2"), range("cy", 4, 4, "t1"), range("ann", 1, 9, "t0")]);
  expect(readersOf(receipts, 4)).toEqual(["cy t1", "ben t2"]);
  expect(readersOf(receipts, 5)).toEqual(["ben t2"]);
  expect(readersOf(receipts, 6)).toEqual([]);
  expect(readersOf(receipts, 5, "ben")).toEqual(["ann t0"]);
});

test("a range that grew takes the place of what it holds; the earliest time counts, in whatever order they come", () => {
  const ranges = [
    range("ben", 2, 3, "t1"),
    range("ben", 2, 6, "t1"),
    range("ben", 5, 6, "t4"),
    range("ben", 8, 8, "t5"),
  ];
  for (const order of [ranges, ranges.toReversed()]) {
    const receipts = new RoomReceipts("me");
    for (const one of order) receipts.take([one]);
    expect([2, 3, 5, 6, 7, 8].map((position) => readersOf(receipts, position))).toEqual([
      ["ben t1"],
      ["ben t1"],
      ["ben t1"],
      ["ben t1"],
      [],
      ["ben t5"],
    ]);
  }
});

test("whatever ranges come, each position was read at the earliest time that one of them says", () => {
  const aRange = fc.record({ from: fc.nat(15), length: fc.nat(6), time: fc.nat(4) });
  fc.assert(
    fc.property(fc.array(aRange, { maxLength: 30 }), (given) => {
      const receipts = new RoomReceipts("me");
      for (const { from, length, time } of given) receipts.take([range("ben", from, from + length, `t${time}`)]);
      for (let position = 0; position <= 22; position++) {
        const holding = given.filter(({ from, length }) => from <= position && from + length >= position);
        const earliest = Math.min(...holding.map(({ time }) => time));
        expect(readersOf(receipts, position)).toEqual(holding.length === 0 ? [] : [`ben t${earliest}`]);
      }
    }),
  );
});

test("of a reader with more ranges than are kept the newest stay, in whatever order they come", () => {
  const all = Array.from({ length: 2_000 }, (_, index) => range("ben", 2 * index, 2 * index, `t${index}`));
  for (const order of [all, all.toReversed()]) {
    const receipts = new RoomReceipts("me");
    receipts.take(order);
    expect(readersOf(receipts, 3_998)).toEqual(["ben t1999"]);
    expect(readersOf(receipts, 3_000)).toEqual(["ben t1500"]);
    expect(readersOf(receipts, 2_998)).toEqual([]);
  }
});

test("pages tell exactly what they say, and events add to it", () => {
  const receipts = new RoomReceipts("me");
  receipts.takePage([
    pageMessage(1, "ann", { ben: "t1", cy: "t1" }),
    pageMessage(2, "ben", { cy: "t1" }),
    pageMessage(3, "ann", { ben: "t1" }),
    pageMessage(4, "ann", { ben: "t2", cy: "t3" }),
    pageMessage(5, "ann", {}),
    pageMessage(6, "ann", { ben: "t2" }),
  ]);
  expect([1, 3, 4, 5, 6].map((position) => readersOf(receipts, position))).toEqual([
    ["ben t1", "cy t1"],
    ["ben t1"],
    ["ben t2", "cy t3"],
    [],
    ["ben t2"],
  ]);
  expect(readersOf(receipts, 2, "ben")).toEqual(["cy t1"]);
  receipts.take([range("cy", 1, 6, "t1")]);
  expect(readersOf(receipts, 5)).toEqual(["cy t1"]);
});

test("what the user read is known where others read it first, and more of them than a page tells", () => {
  const receipts = new RoomReceipts("me");
  const page = [
    pageMessage(1, "ann", {}),
    pageMessage(2, "ann", { ben: "t1" }, "t4"),
    pageMessage(3, "me", { ben: "t1" }),
    pageMessage(4, "ann", { ben: "t1" }, "t4"),
  ];
  receipts.takePage(page, user("me"));
  const known = receipts.receipts.get();
  expect(page.map((one) => known.isRead(one))).toEqual([false, true, true, true]);
  expect(readersOf(receipts, 4)).toEqual(["ben t1", "me t4"]);
});

test("own messages are read, and what the user read, by a range or up to a position", () => {
  const receipts = new RoomReceipts("me");
  receipts.readThrough(at(3));
  receipts.readThrough(at(2));
  receipts.take([range("me", 5, 5, "t"), range("ann", 1, 9, "t")]);
  const known = receipts.receipts.get();
  expect([1, 3, 4, 5, 6].map((position) => known.isRead(message(position)))).toEqual([true, true, false, true, false]);
  expect(known.isRead(message(6, "me"))).toBe(true);
});

test("each change gives another value, and nothing else does", () => {
  const receipts = new RoomReceipts("me");
  const first = receipts.receipts.get();
  expect(receipts.receipts.get()).toBe(first);
  receipts.take([range("ben", 1, 1, "t")]);
  expect(receipts.receipts.get()).not.toBe(first);
  expect(receipts.receipts.get().readersOf(message(1))).toBe(receipts.receipts.get().readersOf(message(1)));
});
