import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromCursors, parseCursor, toCursors } from "./cursors.ts";

const aRoomId = fc.constantFrom("01890c7e-0000-7000-8000-000000000001", "room.with.dots", "__proto__");
const aRevision = fc.bigInt(0n, 9_999_999_999_999_999n);
const cursorOf = (roomId: string, revision: bigint) => `${roomId}.${String(revision).padStart(16, "0")}`;

describe("the sync state", () => {
  it("holds the newest cursor of each room, in whatever order they came", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(aRoomId, aRevision), { maxLength: 12 }), (positions) => {
        const newest = new Map<string, bigint>();
        for (const [roomId, revision] of positions) {
          newest.set(
            roomId,
            [revision, newest.get(roomId) ?? 0n].reduce((a, b) => (a > b ? a : b)),
          );
        }
        const expected = [...newest].map(([roomId, revision]) => cursorOf(roomId, revision)).sort();
        const cursors = positions.map(([roomId, revision]) => cursorOf(roomId, revision));
        expect(toCursors(fromCursors(cursors)).sort()).toEqual(expected);
      }),
    );
  });

  it("tells which of two devices is ahead, and merges to what both know", () => {
    const phone = fromCursors([cursorOf("a", 10n), cursorOf("b", 2n)]);
    const laptop = fromCursors([cursorOf("a", 9n), cursorOf("b", 11n)]);
    expect(phone.compare(laptop)).toBe("concurrent");
    expect(toCursors(phone.merge(laptop))).toEqual([cursorOf("a", 10n), cursorOf("b", 11n)]);
    expect(phone.compare(phone.merge(laptop))).toBe("before");
  });

  it("writes the rooms in one order, so that equal states are equal texts", () => {
    const cursors = [cursorOf("b", 1n), cursorOf("a", 1n), cursorOf("c", 1n)];
    expect(toCursors(fromCursors(cursors))).toEqual(toCursors(fromCursors(cursors.toReversed())));
  });

  it("reads the room as the part before the last dot", () => {
    expect(parseCursor(cursorOf("room.with.dots", 7n))).toEqual({
      roomId: "room.with.dots",
      revision: "0000000000000007",
    });
  });

  it.each([
    "",
    "a",
    "a.",
    ".0000000000000001",
    "a.1",
    "a.00000000000000001",
    "a.000000000000000x",
    "a.0000000000000001\n",
  ])("refuses what is no cursor: %j", (cursor) => {
    expect(() => parseCursor(cursor)).toThrow(SyntaxError);
    expect(() => fromCursors([cursor])).toThrow(SyntaxError);
  });
});
