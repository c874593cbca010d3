import { expect, test } from "vitest";
import { spread } from "./spread.ts";

/** When each of so many was visited, by a clock that goes only while it is waited for. */
async function visitsOf(count: number): Promise<number[]> {
  let nowMs = 5_000;
  const clock = {
    now: () => nowMs,
    async wait(ms: number) {
      nowMs += ms;
    },
  };
  const visits: number[] = [];
  const members = Array.from({ length: count }, (_, index) => index);
  await spread(
    members,
    (member) => {
      expect(member).toBe(visits.length);
      visits.push(nowMs - 5_000);
    },
    clock,
  );
  return visits;
}

test("none is over at once, and a few are visited at once", async () => {
  expect(await visitsOf(0)).toEqual([]);
  expect(await visitsOf(10)).toEqual(Array.from({ length: 10 }, () => 0));
});

test("of many, 500 a second are visited", async () => {
  const visits = await visitsOf(2_000);
  expect(visits).toHaveLength(2_000);
  expect(visits.at(-1)).toBeCloseTo(4_000, -2);
  for (let fromMs = 0; fromMs < 4_000; fromMs += 1_000)
    expect(visits.filter((ms) => ms >= fromMs && ms < fromMs + 1_000)).toHaveLength(500);
});

test("very many are visited evenly within 10 s, each once", async () => {
  const visits = await visitsOf(100_000);
  expect(visits).toHaveLength(100_000);
  expect(visits.at(-1)).toBeLessThanOrEqual(10_000);
  for (let fromMs = 0; fromMs < 10_000; fromMs += 1_000)
    expect(visits.filter((ms) => ms >= fromMs && ms < fromMs + 1_000)).toHaveLength(10_000);
});
