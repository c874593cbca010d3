import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHybridLogicalClock, formatHlc, hlcFromMs, hlcToMs, parseHlc } from "./hlc.ts";

const aReading = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const aNodeName = fc.stringMatching(/^[!-~]{1,12}$/);
const aTimeMs = fc.integer({ min: 0, max: 4_000_000_000_000 });

/** What happens to a clock: its physical time jumps, it is read, it hears a peer. */
const anEvent = fc.oneof(
  fc.record({ kind: fc.constant("time" as const), ms: aTimeMs }),
  fc.record({ kind: fc.constant("read" as const) }),
  fc.record({ kind: fc.constant("hear" as const), reading: aReading }),
  fc.record({ kind: fc.constant("near" as const), aheadMs: fc.integer({ min: -100_000, max: 100_000 }) }),
);

function clockAt(ms: number) {
  const physical = { ms };
  return { physical, clock: createHybridLogicalClock({ now: () => physical.ms }) };
}

describe("HybridLogicalClock", () => {
  it("gives strictly increasing readings whatever the physical clock and the peers do", () => {
    fc.assert(
      fc.property(aTimeMs, fc.array(anEvent, { maxLength: 60 }), (startMs, events) => {
        const { physical, clock } = clockAt(startMs);
        let before = clock.last;
        for (const event of events) {
          if (event.kind === "time") physical.ms = event.ms;
          if (event.kind === "hear") clock.absorb(event.reading);
          if (event.kind === "near") clock.absorb(hlcFromMs(physical.ms + event.aheadMs));
          expect(clock.last).toBeGreaterThanOrEqual(before);
          if (event.kind === "read") {
            const reading = clock.now();
            expect(reading).toBeGreaterThan(before);
            expect(reading).toBeGreaterThanOrEqual(hlcFromMs(physical.ms));
          }
          before = clock.last;
        }
      }),
    );
  });

  it("is greater after it absorbed a peer's reading of up to 60 s ahead", () => {
    fc.assert(
      fc.property(
        aTimeMs,
        fc.integer({ min: -60_000, max: 59_999 }),
        fc.bigInt(0n, 0xffffn),
        (ms, aheadMs, counter) => {
          const { clock } = clockAt(ms);
          const peer = hlcFromMs(ms + aheadMs) | counter;
          clock.absorb(peer);
          expect(clock.now()).toBeGreaterThan(peer);
        },
      ),
    );
  });

  it("counts a reading further ahead as 60 s ahead and no more", () => {
    fc.assert(
      fc.property(aTimeMs, aReading, (ms, reading) => {
        const { clock } = clockAt(ms);
        clock.absorb(reading);
        expect(clock.last).toBeLessThanOrEqual(hlcFromMs(ms + 60_000));
        clock.absorb((1n << 64n) - 1n);
        expect(clock.last).toBe(hlcFromMs(ms + 60_000));
      }),
    );
  });

  it("advances by one, not by two, for a reading that it absorbed", () => {
    const { clock } = clockAt(1_000);
    clock.absorb(hlcFromMs(2_000) | 7n);
    expect(clock.last).toBe(hlcFromMs(2_000) | 7n);
    expect(clock.now()).toBe(hlcFromMs(2_000) | 8n);
  });

  it("goes on from its last reading when the physical clock goes backwards", () => {
    const { physical, clock } = clockAt(5_000);
    const before = clock.now();
    physical.ms = 1_000;
    expect(clock.now()).toBe(before + 1n);
    physical.ms = 6_000;
    expect(clock.now()).toBe(hlcFromMs(6_000));
  });

  it("carries the counter's overflow into the time", () => {
    const { clock } = clockAt(1_000);
    clock.absorb(hlcFromMs(1_000) | 0xffffn);
    expect(clock.now()).toBe(hlcFromMs(1_001));
    expect(hlcToMs(clock.last)).toBe(1_001);
  });

  it("refuses what is not of 64 bits", () => {
    const { clock } = clockAt(0);
    expect(() => clock.absorb(-1n)).toThrow(RangeError);
    expect(() => clock.absorb(1n << 64n)).toThrow(RangeError);
    expect(clock.last).toBe(0n);
    expect(() => hlcFromMs(Number.NaN)).toThrow(RangeError);
  });
});

describe("the text of a reading", () => {
  it("is in the clock's order, then in that of the nodes' names, byte by byte", () => {
    const near = aReading.chain((reading) => fc.tuple(fc.constant(reading), fc.constantFrom(reading, reading ^ 1n)));
    fc.assert(
      fc.property(fc.oneof(near, fc.tuple(aReading, aReading)), aNodeName, aNodeName, ([a, b], nodeA, nodeB) => {
        const bytes = Buffer.compare(Buffer.from(formatHlc(a, nodeA)), Buffer.from(formatHlc(b, nodeB)));
        const expected = a === b ? Buffer.compare(Buffer.from(nodeA), Buffer.from(nodeB)) : a < b ? -1 : 1;
        expect(bytes).toBe(expected);
        const [textA, textB] = [formatHlc(a, nodeA), formatHlc(b, nodeB)];
        expect(textA < textB ? -1 : textA > textB ? 1 : 0).toBe(expected);
      }),
    );
  });

  it("reads back as it was written, also with '-' in the node's name", () => {
    expect(formatHlc(0x1234_5678_9abc_def0n, "eu-1")).toBe("123456789abc-def0-eu-1");
    fc.assert(
      fc.property(aReading, aNodeName, (reading, nodeId) => {
        expect(parseHlc(formatHlc(reading, nodeId))).toEqual({ reading, nodeId });
      }),
    );
  });

  it.each([
    "",
    "123456789abc-def0",
    "123456789abc-def0-",
    "123456789ABC-def0-a",
    "0x3456789abc-def0-a",
    "123456789abc-def-a",
    "123456789abc-def0-a b",
    "123456789abc-def0-a\n",
    " 123456789abc-def0-a",
    `123456789abc-def0-${"a".repeat(65)}`,
  ])("is refused when it is garbage: %j", (text) => {
    expect(() => parseHlc(text)).toThrow(SyntaxError);
  });

  it("is not written for a reading or a name that would break its order", () => {
    expect(() => formatHlc(1n << 64n, "a")).toThrow(RangeError);
    expect(() => formatHlc(1n, "")).toThrow(RangeError);
    expect(() => formatHlc(1n, "nœud")).toThrow(RangeError);
    expect(() => formatHlc(1n, "node-1.example")).not.toThrow();
  });
});
