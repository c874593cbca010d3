import { expect, test } from "vitest";
import { readTogether } from "./read-together.ts";

/** Reads that end when told, numbered as they begin. */
function reads() {
  const begun: { key: string; end: (fault?: Error) => Promise<void> }[] = [];
  const ask = readTogether((key) => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const number = begun.length;
    const end = async (fault?: Error) => {
      if (fault) reject(fault);
      else resolve(number);
      await new Promise(setImmediate);
    };
    begun.push({ key, end });
    return promise;
  });
  return { ask, begun };
}

test("who asks while one is read gets the next, together with others, and never more than one is read for a key", async () => {
  const { ask, begun } = reads();
  const first = ask("alice");
  const more = [ask("alice"), ask("alice")];
  const bobs = ask("bob");
  expect(begun.map(({ key }) => key)).toEqual(["alice", "bob"]);
  await begun[0]!.end();
  expect(await first).toBe(0);
  expect(begun).toHaveLength(3);
  const later = ask("alice");
  await begun[2]!.end();
  expect(await Promise.all(more)).toEqual([2, 2]);
  await begun[3]!.end();
  expect(await later).toBe(3);
  await begun[1]!.end();
  expect(await bobs).toBe(1);
  void ask("alice");
  expect(begun).toHaveLength(5);
});

test("one that fails fails for those who wait for it, and the next is read all the same", async () => {
  const { ask, begun } = reads();
  const failed = expect(ask("alice")).rejects.toThrow("away");
  const next = ask("alice");
  await begun[0]!.end(new Error("away"));
  await failed;
  await begun[1]!.end();
  expect(await next).toBe(1);
});
