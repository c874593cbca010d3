import { describe, expect, it } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { IdleDetector } from "./idle-detector.ts";

const minuteMs = 60_000;

/** An event target that counts its listeners. */
class CountedTarget extends EventTarget {
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>) {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>) {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

/** A clock whose time and one timer do not go together: a machine that sleeps, or whose time is set. */
function handWoundClock() {
  const machine = {
    nowMs: 1_750_000_000_000,
    timer: undefined as { work: () => void; delayMs: number } | undefined,
    clock: {
      now: () => machine.nowMs,
      setTimeout: (work: () => void, delayMs: number) => (machine.timer = { work, delayMs }),
      clearTimeout: () => (machine.timer = undefined),
    },
  };
  return machine;
}

function setUp() {
  const clock = createFakeClock();
  const target = new CountedTarget();
  const told: string[] = [];
  const detector = new IdleDetector({
    target,
    clock,
    onWarning: () => told.push("warning"),
    onIdle: () => told.push("idle"),
    onActive: () => told.push("active"),
  });
  detector.start();
  return { clock, target, told, detector, act: (event = "keydown") => target.dispatchEvent(new Event(event)) };
}

describe("IdleDetector", () => {
  it("warns once after 4 minutes and is idle once after 5", async () => {
    const { clock, told, detector } = setUp();
    await clock.advance(4 * minuteMs - 1);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(["warning"]);
    expect(detector.state).toBe("warned");
    await clock.advance(minuteMs - 1);
    expect(told).toEqual(["warning"]);
    await clock.advance(1);
    expect(told).toEqual(["warning", "idle"]);
    expect(detector.state).toBe("idle");
    await clock.advance(60 * minuteMs);
    expect(told).toEqual(["warning", "idle"]);
  });

  it("counts from the last thing that the user did", async () => {
    const { clock, told, act } = setUp();
    for (let i = 0; i < 10; i++) {
      await clock.advance(3 * minuteMs);
      act("pointermove");
    }
    await clock.advance(4 * minuteMs - 1);
    expect(told).toEqual([]);
    await clock.advance(1);
    expect(told).toEqual(["warning"]);
  });

  it("tells of activity after a warning and after idleness, once, and begins anew", async () => {
    const { clock, told, act } = setUp();
    await clock.advance(4 * minuteMs);
    act();
    act();
    expect(told).toEqual(["warning", "active"]);
    await clock.advance(5 * minuteMs);
    act();
    act();
    expect(told).toEqual(["warning", "active", "warning", "idle", "active"]);
    await clock.advance(5 * minuteMs);
    expect(told).toEqual(["warning", "active", "warning", "idle", "active", "warning", "idle"]);
  });

  it("does not take a page that scrolls by itself for its user", async () => {
    const { clock, told, act } = setUp();
    await clock.advance(3 * minuteMs);
    act("scroll");
    await clock.advance(minuteMs);
    expect(told).toEqual(["warning"]);
  });

  it("goes straight to idle where the machine slept past the warning", () => {
    const machine = handWoundClock();
    const told: string[] = [];
    const detector = new IdleDetector({
      target: new EventTarget(),
      clock: machine.clock,
      onWarning: () => told.push("warning"),
      onIdle: () => told.push("idle"),
    });
    detector.start();
    machine.nowMs += 60 * minuteMs;
    machine.timer?.work();
    expect(told).toEqual(["idle"]);
    detector.dispose();
  });

  it("is not held up by a clock that is set back", () => {
    const machine = handWoundClock();
    const detector = new IdleDetector({ target: new EventTarget(), clock: machine.clock });
    detector.start();
    machine.nowMs -= 60 * minuteMs;
    machine.timer?.work();
    expect(machine.timer?.delayMs).toBe(4 * minuteMs);
    detector.dispose();
  });

  it("leaves no listener and no timer behind, and can start again", async () => {
    const { clock, target, told, detector, act } = setUp();
    detector.start();
    expect(target.listeners).toBe(5);
    await clock.advance(4 * minuteMs);
    detector.dispose();
    detector.dispose();
    expect(target.listeners).toBe(0);
    expect(clock.timers).toBe(0);
    act();
    await clock.advance(10 * minuteMs);
    expect(told).toEqual(["warning"]);
    detector.start();
    await clock.advance(5 * minuteMs);
    expect(told).toEqual(["warning", "warning", "idle"]);
    detector.dispose();
  });

  it("refuses a warning that would not come before the idleness", () => {
    const target = new EventTarget();
    expect(() => new IdleDetector({ target, idleAfterMs: 1_000, warnBeforeMs: 1_000 })).toThrow(RangeError);
    expect(() => new IdleDetector({ target, idleAfterMs: Number.NaN })).toThrow(RangeError);
  });
});
