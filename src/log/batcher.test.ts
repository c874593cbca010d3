import fc from "fast-check";
import { expect, test } from "vitest";
import { createBatcher, type BatcherOptions } from "./batcher.ts";

type Item = { lane: string; key: string; number: number };
type Run = { batch: Item[]; answer: () => void; fail: (fault: unknown) => void };

const transient = new Error("transient");
const fatal = new Error("fatal");

/** A batcher whose batches are answered by hand. */
function open(options: Partial<BatcherOptions<Item, number>> = {}) {
  const runs: Run[] = [];
  const batcher = createBatcher<Item, number>({
    run: (batch) =>
      new Promise((resolve, reject) => {
        runs.push({ batch, answer: () => resolve(batch.map(({ number }) => number)), fail: reject });
      }),
    laneOf: (item) => item.lane,
    keyOf: (item) => item.key,
    isTransient: (fault) => fault === transient,
    overloaded: () => new Error("overloaded"),
    ...options,
  });
  return { batcher, runs };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const numbersOf = (run: Run | undefined) => run?.batch.map(({ number }) => number);
const item = (number: number, lane = "lane", key = `key ${number}`): Item => ({ number, lane, key });

test("what arrives in one turn goes together, and what arrives while it is in flight goes next", async () => {
  const { batcher, runs } = open();
  const first = [batcher.add(item(1)), batcher.add(item(2))];
  await turn();
  const second = [batcher.add(item(3)), batcher.add(item(4))];
  await turn();
  expect(runs.map(numbersOf)).toEqual([[1, 2]]);
  runs[0]!.answer();
  expect(await Promise.all(first)).toEqual([1, 2]);
  await turn();
  expect(runs.map(numbersOf)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  runs[1]!.answer();
  expect(await Promise.all(second)).toEqual([3, 4]);
  await batcher.idle();
});

test("two of one key never go in one batch", async () => {
  const { batcher, runs } = open();
  const added = [batcher.add(item(1, "a", "same")), batcher.add(item(2, "a", "same")), batcher.add(item(3, "b"))];
  await turn();
  expect(numbersOf(runs[0])).toEqual([1, 3]);
  runs[0]!.answer();
  await turn();
  expect(numbersOf(runs[1])).toEqual([2]);
  runs[1]!.answer();
  expect(await Promise.all(added)).toEqual([1, 2, 3]);
});

test("a batch that failed for a moment is repeated as it is, once", async () => {
  const { batcher, runs } = open();
  const added = Promise.allSettled([batcher.add(item(1)), batcher.add(item(2))]);
  await turn();
  runs[0]!.fail(transient);
  await turn();
  expect(numbersOf(runs[1])).toEqual([1, 2]);
  runs[1]!.fail(transient);
  expect(await added).toMatchObject([{ reason: transient }, { reason: transient }]);
  expect(runs).toHaveLength(2);
  await batcher.idle();
});

test("a batch that failed for good is tried one by one, so that a bad one fails alone", async () => {
  const { batcher, runs } = open();
  const added = Promise.allSettled([batcher.add(item(1)), batcher.add(item(2)), batcher.add(item(3))]);
  await turn();
  runs[0]!.fail(fatal);
  for (const index of [1, 2, 3]) {
    await turn();
    if (index === 2) runs[index]!.fail(fatal);
    else runs[index]!.answer();
  }
  expect(await added).toMatchObject([{ value: 1 }, { reason: fatal }, { value: 3 }]);
  expect(runs.map(numbersOf)).toEqual([[1, 2, 3], [1], [2], [3]]);
});

test("more than may wait are refused at once", async () => {
  const { batcher, runs } = open({ maxWaiting: 3, maxInFlight: 1 });
  const flying = batcher.add(item(0));
  await turn();
  const waiting = [1, 2, 3].map((number) => batcher.add(item(number)));
  await expect(batcher.add(item(4))).rejects.toThrow("overloaded");
  runs[0]!.answer();
  await flying;
  await turn();
  runs[1]!.answer();
  expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
});

test("a busy lane does not keep the others waiting for more than a batch", async () => {
  const { batcher, runs } = open({ maxBatch: 4, maxInFlight: 1 });
  const busy = Array.from({ length: 20 }, (_, number) => batcher.add(item(number, "busy")));
  const other = batcher.add(item(99, "other"));
  await turn();
  runs[0]!.answer();
  await turn();
  expect(numbersOf(runs[1])).toContain(99);
  for (let index = 1; index < runs.length; index++) {
    runs[index]!.answer();
    await turn();
  }
  expect(await Promise.all([...busy, other])).toHaveLength(21);
});

test("whatever arrives and fails when, each is answered, a lane keeps its order and is in one batch at a time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ lane: fc.nat(3), key: fc.nat(5), pause: fc.boolean() }), { maxLength: 60 }),
      fc.infiniteStream(
        fc.record({ which: fc.nat(1), how: fc.constantFrom("answer", "answer", "transient", "fatal") }),
      ),
      async (arrivals, answers) => {
        const { batcher, runs } = open({ maxBatch: 5 });
        const outcomes: Promise<unknown>[] = [];
        const answered = new Set<Run>();
        const settleOne = () => {
          const flying = runs.filter((run) => !answered.has(run));
          expect(flying.length).toBeLessThanOrEqual(2);
          const lanes = flying.flatMap((run) => [...new Set(run.batch.map(({ lane }) => lane))]);
          expect(new Set(lanes).size).toBe(lanes.length);
          const { which, how } = answers.next().value!;
          const run = flying[which % Math.max(1, flying.length)];
          if (!run) return false;
          answered.add(run);
          if (how === "answer") run.answer();
          else run.fail(how === "transient" ? transient : fatal);
          return true;
        };
        for (const [number, { lane, key, pause }] of arrivals.entries()) {
          outcomes.push(batcher.add(item(number, `lane ${lane}`, `${lane} ${key}`)).catch(() => undefined));
          if (pause) {
            settleOne();
            await turn();
          }
        }
        await turn();
        while (settleOne()) await turn();
        await Promise.all(outcomes);
        await batcher.idle();
        for (const lane of [0, 1, 2, 3]) {
          const order = runs.flatMap(({ batch }) =>
            batch.filter((one) => one.lane === `lane ${lane}`).map((one) => one.number),
          );
          const firsts = [...new Set(order)];
          expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
        }
        for (const { batch } of runs) {
          expect(batch.length).toBeLessThanOrEqual(5);
          expect(new Set(batch.map(({ key }) => key)).size).toBe(batch.length);
        }
      },
    ),
    { numRuns: 200 },
  );
});
