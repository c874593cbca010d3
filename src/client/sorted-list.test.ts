import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSortedList } from "./sorted-list.ts";

const byKey = (a: { key: number }, b: { key: number }) => a.key - b.key;

describe("a sorted list", () => {
  it("holds what a plain sorted array would, whatever is put and deleted", () => {
    const aStep = fc.record({
      act: fc.constantFrom("put", "put", "put", "delete"),
      key: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(aStep, { maxLength: 80 }), (steps) => {
        const list = createSortedList(byKey);
        const model = new Map<number, { key: number }>();
        for (const { act, key } of steps) {
          const value = { key };
          expect(list[act](value)).toBe(model.get(key));
          if (act === "put") model.set(key, value);
          else model.delete(key);
          expect(list.size).toBe(model.size);
        }
        const expected = [...model.values()].sort(byKey);
        expect(list.toArray()).toEqual(expected);
        expect(list.first()).toBe(expected[0]);
      }),
    );
  });

  it.each([
    ["rising", (index: number) => index],
    ["falling", (index: number) => -index],
    ["mixed", (index: number) => (index * 7_919) % 5_000],
  ])("stays sorted over many chunks when keys come %s, and empties again", (_, keyOf) => {
    const list = createSortedList(byKey);
    const keys = Array.from({ length: 5_000 }, (_unused, index) => keyOf(index));
    for (const key of keys) list.put({ key });
    const sorted = keys.toSorted((a, b) => a - b);
    expect(list.toArray().map((value) => value.key)).toEqual(sorted);
    for (const key of keys.slice(0, 4_999)) expect(list.delete({ key })?.key).toBe(key);
    expect(list.toArray()).toEqual([{ key: keys[4_999] }]);
    expect(list.delete({ key: keys[4_999]! })).toBeDefined();
    expect(list.size).toBe(0);
    expect(list.first()).toBeUndefined();
  });

  it.each([1_000, 10_000, 100_000])("compares at most log2(n) + 4 times to put a value among %i", (count) => {
    let comparisons = 0;
    const list = createSortedList<number>((a, b) => {
      comparisons++;
      return a - b;
    });
    // 7919 is prime: a mixed order of all keys.
    for (let index = 0; index < count; index++) list.put((index * 7_919) % count);
    comparisons = 0;
    const probes = Array.from({ length: 1_000 }, (_, index) => ((index * 7_919) % count) + 0.5);
    const most = probes.reduce((before, probe) => {
      comparisons = 0;
      list.put(probe);
      return Math.max(before, comparisons);
    }, 0);
    expect(most).toBeLessThanOrEqual(Math.log2(count) + 4);
  });
});
