import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Deadlines, type Due } from "./deadlines.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function open() {
  const done: string[] = [];
  const deadlines = new Deadlines<Due & { name: string }>({ now: Date.now, onDue: ({ name }) => void done.push(name) });
  const add = (name: string, inMs: number) => {
    const member = { name, dueAtMs: Date.now() + inMs };
    deadlines.add(member);
    return member;
  };
  return { done, deadlines, add };
}

test("each comes when it is due, whatever the order they were added in, within 20 ms and never early", () => {
  const { done, add } = open();
  add("late", 3_000);
  add("soon", 1_000);
  add("between", 2_000);
  for (const [ms, expected] of [
    [999, []],
    [21, ["soon"]],
    [979, ["soon"]],
    [21, ["soon", "between"]],
    [2_000, ["soon", "between", "late"]],
  ] as const) {
    vi.advanceTimersByTime(ms);
    expect(done).toEqual(expected);
  }
});

test("one may be put off, brought forward or taken out", () => {
  const { done, deadlines, add } = open();
  const off = add("put off", 1_000);
  const forward = add("brought forward", 100_000);
  const out = add("taken out", 1_000);
  off.dueAtMs += 5_000;
  deadlines.add(off);
  forward.dueAtMs = Date.now() + 500;
  deadlines.add(forward);
  deadlines.delete(out);
  vi.advanceTimersByTime(5_000);
  expect(done).toEqual(["brought forward"]);
  vi.advanceTimersByTime(1_100);
  expect(done).toEqual(["brought forward", "put off"]);
  expect(deadlines.size).toBe(0);
});

test("a time beyond what a timer can wait is kept, and so is no time at all", () => {
  const { done, deadlines, add } = open();
  add("never", Infinity);
  add("in 60 days", 60 * 86_400_000);
  vi.advanceTimersByTime(59 * 86_400_000);
  expect(done).toEqual([]);
  vi.advanceTimersByTime(86_400_100);
  expect(done).toEqual(["in 60 days"]);
  expect(deadlines.size).toBe(1);
});

test("ten thousand have one timer", () => {
  const { add } = open();
  for (let index = 0; index < 10_000; index++) add(`${index}`, 10_000 + index);
  expect(vi.getTimerCount()).toBe(1);
});

test("once closed, nothing comes", () => {
  const { done, deadlines, add } = open();
  add("due", 1_000);
  deadlines[Symbol.dispose]();
  vi.advanceTimersByTime(10_000);
  expect(done).toEqual([]);
});
