import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { vectorClock, vectorClockFromJson, type VectorClock } from "./vector-clock.ts";

const anId = fc.constantFrom("a", "b", "c", "", "__proto__", "constructor", "toString");
const anEntry = fc.tuple(anId, fc.integer({ min: 0, max: 4 }));
const aClock = fc.array(anEntry, { maxLength: 8 }).map((entries) => vectorClock(entries));
const opposite = { before: "after", after: "before", equal: "equal", concurrent: "concurrent" } as const;

const isSame = (a: VectorClock, b: VectorClock) => a.compare(b) === "equal";
const isAtOrBefore = (a: VectorClock, b: VectorClock) => ["before", "equal"].includes(a.compare(b));

describe("VectorClock", () => {
  it("compares id by id, an id that it does not hold being before any value", () => {
    expect(vectorClock([["a", 1]]).compare(vectorClock([["a", 2]]))).toBe("before");
    expect(vectorClock([["a", 2]]).compare(vectorClock([["a", 1]]))).toBe("after");
    expect(vectorClock([["a", 1]]).compare(vectorClock([["a", 1]]))).toBe("equal");
    expect(vectorClock([["a", 1]]).compare(vectorClock([["b", 1]]))).toBe("concurrent");
    expect(vectorClock().compare(vectorClock([["a", 0]]))).toBe("before");
    expect(vectorClock().compare(vectorClock())).toBe("equal");
  });

  it("compares the other way round with the opposite result", () => {
    fc.assert(
      fc.property(aClock, aClock, (a, b) => {
        expect(b.compare(a)).toBe(opposite[a.compare(b)]);
      }),
    );
  });

  it("is equal to a clock exactly when it has the same entries", () => {
    fc.assert(
      fc.property(aClock, aClock, (a, b) => {
        expect(isSame(a, b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("orders partially: before is transitive", () => {
    fc.assert(
      fc.property(aClock, aClock, aClock, (a, b, c) => {
        const [ab, abc] = [a.merge(b), a.merge(b).merge(c)];
        expect(isAtOrBefore(a, ab) && isAtOrBefore(ab, abc) && isAtOrBefore(a, abc)).toBe(true);
        if (isAtOrBefore(a, b) && isAtOrBefore(b, c)) expect(isAtOrBefore(a, c)).toBe(true);
      }),
    );
  });

  it("merges commutatively, associatively and idempotently", () => {
    fc.assert(
      fc.property(aClock, aClock, aClock, (a, b, c) => {
        expect(a.merge(b).toJSON()).toEqual(b.merge(a).toJSON());
        expect(a.merge(b).merge(c).toJSON()).toEqual(a.merge(b.merge(c)).toJSON());
        expect(a.merge(a)).toBe(a);
      }),
    );
  });

  it("merges to the least clock that is at or after both", () => {
    fc.assert(
      fc.property(aClock, aClock, aClock, (a, b, c) => {
        expect(isAtOrBefore(a, a.merge(b)) && isAtOrBefore(b, a.merge(b))).toBe(true);
        if (isAtOrBefore(a, c) && isAtOrBefore(b, c)) expect(isAtOrBefore(a.merge(b), c)).toBe(true);
      }),
    );
  });

  it("advances an id and never takes it back, and leaves the clock that it came from as it was", () => {
    fc.assert(
      fc.property(aClock, anEntry, (clock, [id, value]) => {
        const before = JSON.stringify(clock);
        const advanced = clock.advance(id, value);
        expect(advanced.get(id)).toBe(Math.max(value, clock.get(id) ?? 0));
        expect(isAtOrBefore(clock, advanced)).toBe(true);
        expect(isSame(advanced, clock)).toBe(advanced === clock);
        expect(JSON.stringify(clock)).toBe(before);
      }),
    );
  });

  it("loses nothing of a merge by leaving out what the other dominates", () => {
    fc.assert(
      fc.property(aClock, aClock, (a, b) => {
        const news = a.withoutDominated(b);
        expect(b.merge(news).toJSON()).toEqual(b.merge(a).toJSON());
        for (const [id, value] of news.entries()) expect(value > (b.get(id) ?? -1)).toBe(true);
      }),
    );
  });

  it("keeps only the ids that are needed", () => {
    const clock = vectorClock([
      ["a", 1],
      ["b", 2],
    ]);
    expect(clock.keep((id) => id === "b").toJSON()).toEqual([["b", 2]]);
    expect(clock.keep(() => true)).toBe(clock);
  });

  it("takes the newest of several values of one id, and any text as an id", () => {
    const clock = vectorClock([
      ["__proto__", 2],
      ["__proto__", 1],
    ]);
    expect(clock.get("__proto__")).toBe(2);
    expect(clock.get("constructor")).toBeUndefined();
    expect(clock.size).toBe(1);
  });

  it("reads back from its JSON as it was", () => {
    fc.assert(
      fc.property(aClock, (clock) => {
        expect(vectorClockFromJson(JSON.parse(JSON.stringify(clock))).toJSON()).toEqual(clock.toJSON());
      }),
    );
  });

  it.each([
    null,
    {},
    "a",
    [["a"]],
    [["a", null]],
    [[1, 1]],
    [["a", 1, 2]],
    [["a", Number.NaN]],
    [
      ["a", 1],
      ["b", "1"],
    ],
  ])("is not read from what is none: %j", (json) => expect(() => vectorClockFromJson(json)).toThrow(SyntaxError));
});
