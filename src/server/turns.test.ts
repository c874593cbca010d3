import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** Work that ends when it is told to. */
function works() {
  const begun: string[] = [];
  const end = new Map<string, PromiseWithResolvers<string>>();
  const work = (name: string) => () => {
    begun.push(name);
    const done = Promise.withResolvers<string>();
    end.set(name, done);
    return done.promise;
  };
  return {
    begun,
    work,
    finish: (name: string) => end.get(name)!.resolve(name),
    fail: (name: string) => end.get(name)!.reject(new Error(name)),
  };
}

const settle = () => new Promise(setImmediate);

test("one that does not overlap waits for all before it, and all after it wait for it", async () => {
  const { begun, work, finish } = works();
  const turns = new Turns();
  const results = [
    turns.take(true, work("a")),
    turns.take(true, work("b")),
    turns.take(false, work("c")),
    turns.take(true, work("d")),
    turns.take(false, work("e")),
  ];
  const steps: [string, string[]][] = [
    ["b", ["a", "b"]],
    ["a", ["a", "b", "c"]],
    ["c", ["a", "b", "c", "d"]],
    ["d", ["a", "b", "c", "d", "e"]],
  ];
  for (const [name, expected] of steps) {
    finish(name);
    await settle();
    expect(begun).toEqual(expected);
  }
  finish("e");
  expect(await Promise.all(results.map(async (result) => result))).toEqual(["a", "b", "c", "d", "e"]);
});

test("one that failed is over like any other", async () => {
  const { begun, work, fail, finish } = works();
  const turns = new Turns();
  const failed = expect(turns.take(false, work("a"))).rejects.toThrow("a");
  const next = turns.take(false, work("b"));
  fail("a");
  await failed;
  await settle();
  expect(begun).toEqual(["a", "b"]);
  finish("b");
  expect(await next).toBe("b");
});

test("what is done at once is answered at once", () => {
  const turns = new Turns();
  expect(turns.take(false, () => 1)).toBe(1);
  expect(turns.take(true, () => 2)).toBe(2);
  expect(() =>
    turns.take(false, () => {
      throw new Error("at once");
    }),
  ).toThrow("at once");
  expect(turns.take(false, () => 3)).toBe(3);
});
