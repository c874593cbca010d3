import { describe, expect, it } from "vitest";
import { withDeadline } from "./deadline.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";

const never = new Promise<never>(() => undefined);

describe("a deadline", () => {
  it("gives what the work gives and leaves no timer behind", async () => {
    const clock = createFakeClock();
    await expect(withDeadline({ clock, timeoutMs: 100 }, () => "done")).resolves.toBe("done");
    await expect(withDeadline({ clock, timeoutMs: 100 }, () => Promise.reject(new Error("broken")))).rejects.toThrow(
      "broken",
    );
    expect(clock.timers).toBe(0);
  });

  it("ends the wait and tells the work when the time is up", async () => {
    const clock = createFakeClock();
    let signal: AbortSignal | undefined;
    const result = withDeadline({ clock, timeoutMs: 100 }, (given) => {
      signal = given;
      return never;
    });
    const outcome = expect(result).rejects.toThrow("100 ms");
    await clock.advance(99);
    expect(signal?.aborted).toBe(false);
    await clock.advance(1);
    await outcome;
    expect(signal?.aborted).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it("ends the wait when its owner aborts, before or while the work runs", async () => {
    const clock = createFakeClock();
    const owner = new AbortController();
    const result = withDeadline({ clock, timeoutMs: 100, signal: owner.signal }, () => never);
    owner.abort(new Error("disposed"));
    await expect(result).rejects.toThrow("disposed");
    await expect(withDeadline({ clock, timeoutMs: 100, signal: owner.signal }, () => "done")).rejects.toThrow(
      "disposed",
    );
    expect(clock.timers).toBe(0);
  });
});
