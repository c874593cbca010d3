import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import {
  OrderedMessageBuffer,
  type BufferedEvent,
  type OrderedMessageBufferOptions,
} from "./ordered-message-buffer.ts";

interface Message {
  id: string;
  clientMessageId: string;
  position: string;
  version: string;
  senderId: string;
}

const at = (revision: number) => `room.${String(revision).padStart(16, "0")}`;

/** The message sent at revision `position`, in its state of revision `version`. */
function message(position: number, version = position, senderId = "bob"): Message {
  const id = `m${position}`;
  return { id, clientMessageId: `c${position}`, position: at(position), version: at(version), senderId };
}

function sent(position: number, previous: number | undefined, version = position): BufferedEvent<Message> {
  const previousCursor = previous === undefined ? null : at(previous);
  return { cursor: at(position), previousCursor, message: message(position, version) };
}

function setUp(more: Partial<OrderedMessageBufferOptions<Message>> = {}) {
  const clock = createFakeClock(0);
  const holes: string[] = [];
  const buffer = new OrderedMessageBuffer<Message, { clientMessageId: string; position?: undefined }>({
    clock,
    isOwn: (one) => one.senderId === "alice",
    onHole: ({ after }) => holes.push(after),
    ...more,
  });
  const shown = () => buffer.messages.get().map((one) => ("id" in one ? one.id : one.clientMessageId));
  return { clock, buffer, holes, shown };
}

describe("OrderedMessageBuffer", () => {
  it("shows messages in room order, each once, whatever the order in which they come", () => {
    const { buffer, shown } = setUp();
    for (const position of [3, 1, 2, 3, 10, 1]) buffer.put(message(position));
    expect(shown()).toEqual(["m1", "m2", "m3", "m10"]);
  });

  it("keeps the newer version of a message, whichever comes last", () => {
    const { buffer } = setUp();
    const [old, edited] = [message(1), message(1, 7)];
    buffer.put(edited);
    buffer.put(old);
    expect(buffer.messages.get()).toEqual([edited]);
    const deleted = message(1, 9);
    buffer.put(deleted);
    expect(buffer.messages.get()[0]).toBe(deleted);
  });

  it("shows what was written at the end, in its order, until the server has confirmed it", () => {
    const { buffer, shown } = setUp();
    buffer.setOptimistic([{ clientMessageId: "c9" }, { clientMessageId: "c8" }]);
    buffer.take([sent(1, undefined)]);
    expect(shown()).toEqual(["m1", "c9", "c8"]);
    buffer.put(message(8, 8, "alice"));
    expect(shown()).toEqual(["m1", "m8", "c9"]);
    buffer.setOptimistic([]);
    expect(shown()).toEqual(["m1", "m8"]);
  });

  it("takes no message of another user for the confirmation of an own one", () => {
    const { buffer, shown } = setUp();
    buffer.setOptimistic([{ clientMessageId: "c8" }]);
    buffer.put(message(8, 8, "mallory"));
    expect(shown()).toEqual(["m8", "c8"]);
  });

  it("gives the same list until it changes, and tells of changes alone", () => {
    const { buffer } = setUp();
    const listener = vi.fn();
    buffer.messages.subscribe(listener);
    buffer.put(message(1));
    const before = buffer.messages.get();
    expect(listener).toHaveBeenCalledTimes(1);
    buffer.put(message(1));
    buffer.take([{ cursor: at(2), previousCursor: at(1) }]);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(buffer.messages.get()).toBe(before);
    buffer.take([sent(3, 2), sent(4, 3)]);
    expect(listener).toHaveBeenCalledTimes(2);
    expect(buffer.messages.get()).not.toBe(before);
    expect(before).toHaveLength(1);
  });
});

describe("OrderedMessageBuffer with a hole", () => {
  it("shows an event at once when nothing before it is missing, with revisions left out that were of other kinds", () => {
    const { clock, buffer, shown } = setUp({ cursor: at(1) });
    buffer.take([sent(2, 1), sent(7, 2), { cursor: at(9), previousCursor: at(7) }, sent(10, 9)]);
    expect(shown()).toEqual(["m2", "m7", "m10"]);
    expect(buffer.cursor).toBe(at(10));
    expect(clock.timers).toBe(0);
  });

  it("waits for the missing event and shows both in order when it comes", async () => {
    const { clock, buffer, shown, holes } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2)]);
    await clock.advance(1_999);
    expect(shown()).toEqual([]);
    buffer.take([sent(2, 1)]);
    expect(shown()).toEqual(["m2", "m3"]);
    expect(buffer.cursor).toBe(at(3));
    expect(clock.timers).toBe(0);
    await clock.advance(10_000);
    expect(holes).toEqual([]);
  });

  it("shows what waits after 2 s, tells of the hole once, and keeps the cursor before it", async () => {
    const { clock, buffer, shown, holes } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2)]);
    await clock.advance(1_000);
    buffer.take([sent(4, 3)]);
    await clock.advance(1_000);
    expect(shown()).toEqual(["m3", "m4"]);
    expect(holes).toEqual([at(1)]);
    expect(buffer.cursor).toBe(at(1));
    buffer.take([sent(5, 4)]);
    expect(shown()).toEqual(["m3", "m4", "m5"]);
    await clock.advance(10_000);
    expect(holes).toEqual([at(1)]);
  });

  it("passes over what it has shown when the hole is filled", async () => {
    const { clock, buffer, shown } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2), sent(4, 3)]);
    await clock.advance(2_000);
    buffer.take([sent(2, 1)]);
    expect(shown()).toEqual(["m2", "m3", "m4"]);
    expect(buffer.cursor).toBe(at(4));
    buffer.take([sent(6, 5)]);
    expect(shown()).toEqual(["m2", "m3", "m4"]);
    expect(clock.timers).toBe(1);
  });

  it("tells of a second hole as of the first", async () => {
    const { clock, buffer, holes } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2)]);
    await clock.advance(2_000);
    buffer.take([sent(2, 1), sent(5, 4)]);
    await clock.advance(2_000);
    expect(holes).toEqual([at(1), at(3)]);
  });

  it("waits no longer than 2 s for an event, however slowly the hole before it fills", async () => {
    const { clock, buffer, shown } = setUp({ cursor: at(1) });
    buffer.take([sent(9, 8)]);
    for (const position of [2, 3, 4]) {
      await clock.advance(700);
      buffer.take([sent(position, position - 1)]);
    }
    expect(shown()).toEqual(["m2", "m3", "m4", "m9"]);
  });

  it("keeps the newer state of an event that came twice while it waits", () => {
    const { buffer } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2, 7)]);
    buffer.take([sent(3, 2, 3)]);
    buffer.take([sent(2, 1)]);
    expect(buffer.messages.get()).toEqual([message(2), message(3, 7)]);
  });

  it("takes CaughtUp as the word that nothing is missing", () => {
    const { clock, buffer, shown } = setUp({ cursor: at(1) });
    buffer.take([sent(5, 4)]);
    buffer.caughtUp(at(4));
    expect(shown()).toEqual(["m5"]);
    expect(buffer.cursor).toBe(at(5));
    expect(clock.timers).toBe(0);
  });

  it("lets so many wait and no more, and is whole again after the resume", async () => {
    const { clock, buffer, shown, holes } = setUp({ cursor: at(1), maxWaiting: 2 });
    buffer.take([sent(3, 2), sent(4, 3), sent(5, 4)]);
    expect(shown()).toEqual(["m5"]);
    await clock.advance(2_000);
    expect(holes).toEqual([at(1)]);
    buffer.take([sent(2, 1)]);
    expect(buffer.cursor).toBe(at(4));
    buffer.take([sent(2, 1), sent(3, 2), sent(4, 3), sent(5, 4)]);
    expect(shown()).toEqual(["m2", "m3", "m4", "m5"]);
    expect(buffer.cursor).toBe(at(5));
  });

  it("shows what waits and leaves no timer when disposed of", async () => {
    const { clock, buffer, shown, holes } = setUp({ cursor: at(1) });
    buffer.take([sent(3, 2)]);
    buffer.dispose();
    expect(shown()).toEqual(["m3"]);
    buffer.take([sent(5, 4)]);
    expect(shown()).toEqual(["m3", "m5"]);
    expect(clock.timers).toBe(0);
    await clock.advance(10_000);
    expect(holes).toEqual([]);
  });
});

describe("OrderedMessageBuffer with pages", () => {
  it("joins older pages to what is there and knows when it begins with the first message", () => {
    const { buffer, shown } = setUp();
    buffer.addPage({ messages: [message(5), message(6)], reachesStart: false, cursor: at(8) });
    expect(buffer.cursor).toBe(at(8));
    expect(buffer.reachesStart).toBe(false);
    buffer.addPage({ messages: [message(1), message(3)], reachesStart: true });
    expect(shown()).toEqual(["m1", "m3", "m5", "m6"]);
    expect(buffer.reachesStart).toBe(true);
    expect(buffer.cursor).toBe(at(8));
  });

  it("takes the page of an empty room for its beginning", () => {
    const { buffer, shown } = setUp();
    buffer.addPage({ messages: [], reachesStart: true, cursor: at(1) });
    buffer.take([sent(2, 1)]);
    expect(shown()).toEqual(["m2"]);
    expect(buffer.reachesStart).toBe(true);
  });

  it("does not show an edited message of a page that was not loaded, as others would be missing after it", () => {
    const { buffer, shown } = setUp();
    buffer.addPage({ messages: [message(5), message(6)], reachesStart: false, cursor: at(6) });
    buffer.take([{ cursor: at(7), previousCursor: at(6), message: message(2, 7) }]);
    expect(shown()).toEqual(["m5", "m6"]);
    expect(buffer.cursor).toBe(at(7));
    buffer.addPage({ messages: [message(2, 7), message(3)], reachesStart: true });
    expect(shown()).toEqual(["m2", "m3", "m5", "m6"]);
  });

  it("drops what does not join the first page", () => {
    const { buffer, shown } = setUp();
    buffer.take([{ cursor: at(7), message: message(2, 7) }, sent(8, 7)]);
    buffer.addPage({ messages: [message(5), message(6), message(8)], reachesStart: false });
    expect(shown()).toEqual(["m5", "m6", "m8"]);
  });

  it("lets a live message push the oldest one out beyond the limit, and the page bring it back", () => {
    const { buffer, shown } = setUp({ maxMessages: 3, cursor: at(2) });
    buffer.addPage({ messages: [message(1), message(2)], reachesStart: true });
    buffer.take([sent(3, 2), sent(4, 3)]);
    expect(shown()).toEqual(["m2", "m3", "m4"]);
    expect(buffer.reachesStart).toBe(false);
    buffer.addPage({ messages: [message(1)], reachesStart: true });
    expect(shown()).toEqual(["m1", "m2", "m3", "m4"]);
    buffer.take([sent(5, 4)]);
    expect(shown()).toEqual(["m2", "m3", "m4", "m5"]);
  });

  it("begins anew after a reset, with what was written still there", () => {
    const { clock, buffer, shown } = setUp({ cursor: at(3) });
    buffer.setOptimistic([{ clientMessageId: "mine" }]);
    buffer.take([sent(4, 3), sent(9, 8)]);
    buffer.clear();
    expect(shown()).toEqual(["mine"]);
    expect(buffer.cursor).toBeUndefined();
    expect(clock.timers).toBe(0);
    buffer.addPage({ messages: [message(1)], reachesStart: true, cursor: at(2) });
    expect(shown()).toEqual(["m1", "mine"]);
    expect(buffer.cursor).toBe(at(2));
  });
});

/** A room's log: at each revision a new message or a change of an earlier one; each event as the feed tells it. */
const aLog = fc
  .array(fc.record({ isEdit: fc.boolean(), target: fc.nat() }), { minLength: 1, maxLength: 40 })
  .map((changes) => {
    const positions: number[] = [];
    return changes.map(({ isEdit, target }, index): BufferedEvent<Message> => {
      const revision = index + 1;
      const previousCursor = index === 0 ? null : at(index);
      const edited = isEdit && positions.length > 0 ? positions[target % positions.length]! : undefined;
      if (edited === undefined) positions.push(revision);
      return { cursor: at(revision), previousCursor, message: message(edited ?? revision, revision) };
    });
  });

/** What a reader of the whole log sees. */
function finalList(log: BufferedEvent<Message>[]): Message[] {
  const newest = new Map(log.map((event) => [event.message!.id, event.message!]));
  return [...newest.values()].sort((a, b) => (a.position < b.position ? -1 : 1));
}

describe("OrderedMessageBuffer and any feed", () => {
  it("ends with the room's list and cursor when everything came, in any order and any number of times", async () => {
    const aDelivery = aLog.chain((log) =>
      fc.tuple(
        fc.constant(log),
        fc.shuffledSubarray([...log, ...log], { minLength: 0 }),
        fc.array(fc.integer({ min: 0, max: 900 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 60 }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(aDelivery, async ([log, mixed, waitsMs, maxWaiting]) => {
        const { clock, buffer } = setUp({ cursor: at(0), maxWaiting });
        for (const [index, event] of mixed.entries()) {
          buffer.take([event]);
          await clock.advance(waitsMs[index] ?? 0);
          const list = buffer.messages.get() as Message[];
          expect(list).toEqual(list.toSorted((a, b) => (a.position < b.position ? -1 : 1)));
          expect(new Set(list.map((one) => one.id)).size).toBe(list.length);
        }
        // The resume that a hole asks for.
        buffer.take(log.filter((event) => event.cursor > buffer.cursor!));
        expect(buffer.messages.get()).toEqual(finalList(log));
        expect(buffer.cursor).toBe(log.at(-1)!.cursor);
        expect(clock.timers).toBe(0);
      }),
    );
  });

  it("never has its cursor behind which something is missing", async () => {
    const aDelivery = aLog.chain((log) =>
      fc.tuple(fc.constant(log), fc.shuffledSubarray(log), fc.integer({ min: 0, max: 700 })),
    );
    await fc.assert(
      fc.asyncProperty(aDelivery, async ([log, mixed, waitMs]) => {
        const { clock, buffer } = setUp({ cursor: at(0) });
        const taken = new Set<string>();
        for (const event of mixed) {
          buffer.take([event]);
          taken.add(event.cursor);
          await clock.advance(waitMs);
          const missing = log.find((one) => !taken.has(one.cursor));
          if (missing) expect(buffer.cursor! < missing.cursor).toBe(true);
        }
      }),
    );
  });

  it("shows everything that came at the latest 2 s after it came, and tells of each hole that stays", async () => {
    const aDelivery = aLog.chain((log) => fc.tuple(fc.constant(log), fc.shuffledSubarray(log)));
    await fc.assert(
      fc.asyncProperty(aDelivery, async ([log, mixed]) => {
        const { clock, buffer, holes } = setUp({ cursor: at(0) });
        buffer.take(mixed);
        await clock.advance(2_000);
        const list = buffer.messages.get() as Message[];
        for (const event of mixed) {
          expect(list.find((one) => one.id === event.message!.id)!.version >= event.message!.version).toBe(true);
        }
        const isWhole = mixed.length === Number(buffer.cursor!.slice(-16));
        expect(holes).toEqual(isWhole ? [] : [buffer.cursor]);
        expect(log.length).toBeGreaterThanOrEqual(mixed.length);
      }),
    );
  });
});
