import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBackoff } from "./backoff.ts";

describe("backoff", () => {
  it("doubles the range at each failure up to its limit, without an end to the tries", () => {
    const backoff = createBackoff({ baseMs: 100, maxMs: 1_000, random: () => 1 });
    const delays = Array.from({ length: 2_000 }, () => backoff.nextDelayMs());
    expect(delays.slice(0, 6)).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(delays.at(-1)).toBe(1_000);
    backoff.reset();
    expect(backoff.nextDelayMs()).toBe(100);
  });

  it("takes any delay in the range, so that clients spread", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        fc.integer({ min: 0, max: 50 }),
        (share, failures) => {
          const backoff = createBackoff({ baseMs: 500, maxMs: 30_000, random: () => share });
          for (let i = 0; i < failures; i++) backoff.nextDelayMs();
          expect(backoff.nextDelayMs()).toBeCloseTo(share * Math.min(30_000, 500 * 2 ** failures));
        },
      ),
    );
  });
});
