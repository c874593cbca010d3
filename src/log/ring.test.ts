import fc from "fast-check";
import { expect, test } from "vitest";
import { payloadOf } from "./payload.ts";
import { RingBudget } from "./ring-budget.ts";
import { Ring, type Entry } from "./ring.ts";

const ample = new RingBudget({ maxBytes: Infinity });

/** An entry as the ring sees it: its place and its size. */
function entry(revision: number, bytes = 10): Entry {
  const change = {
    type: "RoomUpdated",
    roomId: "room",
    revision,
    before: { MESSAGE: 0, RECEIPT: 0, MEMBER: 0, ROOM: 0 },
  };
  return { change: change as Entry["change"], revision, previous: null, payload: payloadOf("x".repeat(bytes)) };
}

const revisionsAfter = (ring: Ring, position: number) => [...ring.after(position)].map(({ revision }) => revision);

test("a ring covers the positions after which it has everything", () => {
  const ring = new Ring({ floor: 5, maxEntries: 3, budget: ample });
  expect([4, 5, 6].map((position) => ring.covers(position))).toEqual([false, true, true]);
  for (const revision of [6, 8, 9]) ring.push(entry(revision));
  expect(ring.covers(5)).toBe(true);
  expect(revisionsAfter(ring, 5)).toEqual([6, 8, 9]);
  ring.push(entry(12));
  expect([5, 6, 7].map((position) => ring.covers(position))).toEqual([false, true, true]);
  expect(revisionsAfter(ring, 8)).toEqual([9, 12]);
});

test("what it was told to forget it covers no more", () => {
  const ring = new Ring({ floor: 0, budget: ample });
  for (const revision of [1, 2, 3]) ring.push(entry(revision));
  ring.forget(4);
  expect([3, 4].map((position) => ring.covers(position))).toEqual([false, true]);
  ring.push(entry(5));
  expect(revisionsAfter(ring, 4)).toEqual([5]);
});

test("nobody can begin within a stretch that was read as one, only at its ends", () => {
  const ring = new Ring({ floor: 0, budget: ample });
  ring.push(entry(1));
  ring.begin({ after: 1, through: 5 });
  ring.push(entry(3));
  ring.push(entry(6));
  expect([0, 1, 2, 3, 4, 5, 6].map((position) => ring.covers(position))).toEqual([
    true,
    true,
    false,
    false,
    false,
    true,
    true,
  ]);
  // Only the last one is remembered: what came before the end of the older is let go.
  ring.begin({ after: 6, through: 9 });
  expect([1, 4, 5, 6, 7, 8, 9].map((position) => ring.covers(position))).toEqual([
    false,
    false,
    true,
    true,
    false,
    false,
    true,
  ]);
});

test("whatever comes, it keeps to its limits and gives all that follows a position that it covers", () => {
  const limits = { maxEntries: 20, maxBytes: 5_000 };
  const happening = fc.oneof(
    { weight: 8, arbitrary: fc.record({ push: fc.nat(1_200), skip: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ forget: fc.nat(3) }) },
  );
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 300, size: "max" }), (happenings) => {
      const ring = new Ring({ floor: 0, budget: ample, ...limits });
      const pushed: { revision: number; bytes: number }[] = [];
      let revision = 0;
      for (const one of happenings) {
        if ("forget" in one) {
          revision += one.forget;
          ring.forget(revision);
          pushed.length = 0;
          continue;
        }
        revision += 1 + one.skip;
        ring.push(entry(revision, one.push));
        pushed.push({ revision, bytes: one.push });
      }
      const all = pushed.map((one) => one.revision);
      const floor = Array.from({ length: revision + 1 }, (_, position) => position).find((position) =>
        ring.covers(position),
      )!;
      const kept = pushed.filter((one) => one.revision > floor);
      expect(revisionsAfter(ring, floor)).toEqual(all.filter((one) => one > floor));
      expect(kept.length).toBeLessThanOrEqual(limits.maxEntries);
      expect(kept.reduce((sum, one) => sum + one.bytes, 0)).toBeLessThanOrEqual(limits.maxBytes);
    }),
  );
});

test("rings that share a budget keep to it: the one that got nothing for the longest time forgets first", () => {
  const budget = new RingBudget({ maxBytes: 10_000 });
  const [first, second, third] = [1, 2, 3].map(() => new Ring({ floor: 0, budget })) as [Ring, Ring, Ring];
  for (const ring of [second, first, second, third]) ring.push(entry(1 + [...ring.after(0)].length, 2_000));
  // They have room for four of them: the first ring got nothing for the longest time.
  third.push(entry(2, 2_000));
  expect([first, second, third].map((ring) => revisionsAfter(ring, 0))).toEqual([[], [1, 2], [1, 2]]);
  expect([first, second, third].map((ring) => ring.covers(0))).toEqual([false, true, true]);
  third.push(entry(3, 2_000));
  expect([first, second, third].map((ring) => revisionsAfter(ring, 0))).toEqual([[], [2], [1, 2, 3]]);
  // One that closes leaves its part to the others, and takes no more.
  third.close();
  third.push(entry(4, 2_000));
  for (const revision of [3, 4, 5]) second.push(entry(revision, 2_000));
  expect([first, second, third].map((ring) => revisionsAfter(ring, 0))).toEqual([[], [2, 3, 4, 5], []]);
});

test("whatever comes, rings that share a budget keep to it, and give all that follows a position that they cover", () => {
  const maxBytes = 4_000;
  const happening = fc.record({ ring: fc.nat(4), bytes: fc.nat(1_500), what: fc.nat(12) });
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 200, size: "max" }), (happenings) => {
      const budget = new RingBudget({ maxBytes });
      const rings = Array.from({ length: 5 }, () => ({
        ring: new Ring({ floor: 0, budget, maxEntries: 6 }),
        pushed: [] as number[],
      }));
      for (const [index, { ring: at, bytes, what }] of happenings.entries()) {
        const revision = index + 1;
        const { ring, pushed } = rings[at]!;
        if (what === 0) ring.forget(revision);
        else {
          ring.push(entry(revision, bytes));
          pushed.push(revision);
        }
        expect(budget.bytes).toBeLessThanOrEqual(maxBytes);
      }
      for (const { ring, pushed } of rings)
        for (let position = 0; position <= happenings.length; position++)
          if (ring.covers(position))
            expect(revisionsAfter(ring, position)).toEqual(pushed.filter((revision) => revision > position));
      for (const { ring } of rings) ring.close();
      expect(budget.bytes).toBe(0);
    }),
  );
});
