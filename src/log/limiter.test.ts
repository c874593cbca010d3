import { expect, test } from "vitest";
import { createLimiter } from "./limiter.ts";

/** Work of somebody's that ends when it is told to. */
function works(max: number) {
  const limiter = createLimiter(max);
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const run = (whose: string, name: string) => {
    ends.set(name, Promise.withResolvers());
    return limiter.run(whose, () => {
      begun.push(name);
      return ends.get(name)!.promise;
    });
  };
  const settle = () => new Promise(setImmediate);
  const end = async (name: string) => {
    ends.get(name)!.resolve();
    await settle();
  };
  const fail = async (name: string) => {
    ends.get(name)!.reject(new Error(name));
    await settle();
  };
  return { limiter, begun, run, end, fail };
}

test("what is wanted by several comes in turn, each one's own in its order", async () => {
  const { limiter, begun, run, end } = works(1);
  for (const name of ["a1", "a2", "a3", "a4"]) void run("alice", name);
  for (const name of ["b1", "b2"]) void run("bob", name);
  void run("carol", "c1");
  expect(limiter.waiting).toBe(6);
  for (const name of ["a1", "a2", "b1", "c1", "a3", "b2"]) await end(name);
  expect(begun).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
  expect(limiter.waiting).toBe(0);
});

test("as many run at a time as may, and one that failed gives its place to the next", async () => {
  const { begun, run, end, fail } = works(2);
  const failed = expect(run("alice", "a1")).rejects.toThrow("a1");
  void run("alice", "a2");
  void run("alice", "a3");
  expect(begun).toEqual(["a1", "a2"]);
  await fail("a1");
  await failed;
  expect(begun).toEqual(["a1", "a2", "a3"]);
  await end("a2");
  await end("a3");
  void run("bob", "b1");
  void run("bob", "b2");
  void run("bob", "b3");
  expect(begun.slice(3)).toEqual(["b1", "b2"]);
});
