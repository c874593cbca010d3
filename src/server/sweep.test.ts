import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Sweep } from "./sweep.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("each member is visited once an interval, the first time after a whole one, a slice of them at a time", () => {
  const visits = new Map<number, number[]>();
  const sweep = new Sweep<number>({
    intervalMs: 5_000,
    slices: 20,
    visit: (member) => void visits.set(member, [...(visits.get(member) ?? []), Date.now()]),
  });
  const addedAtMs = new Map<number, number>();
  for (let member = 0; member < 100; member++) {
    sweep.add(member);
    addedAtMs.set(member, Date.now());
    vi.advanceTimersByTime(60);
  }
  vi.advanceTimersByTime(10_000);
  for (const [member, [first, second]] of visits) {
    const waitedMs = first! - addedAtMs.get(member)!;
    expect(waitedMs).toBeGreaterThan(4_750);
    expect(waitedMs).toBeLessThanOrEqual(5_000);
    expect(second! - first!).toBe(5_000);
  }
  expect(visits.size).toBe(100);
  expect([...sweep]).toHaveLength(100);
});

test("one that was taken out is not visited, and a closed sweep visits nobody", () => {
  const visited: string[] = [];
  const sweep = new Sweep<string>({ intervalMs: 1_000, slices: 4, visit: (member) => void visited.push(member) });
  sweep.add("stays");
  sweep.add("goes");
  sweep.delete("goes");
  vi.advanceTimersByTime(1_000);
  sweep[Symbol.dispose]();
  vi.advanceTimersByTime(5_000);
  expect(visited).toEqual(["stays"]);
});
