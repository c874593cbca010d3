import { expect, test } from "vitest";
import { createLoader, createLoaders } from "./loader.ts";

const loaderOf = (read: () => Promise<Map<string, string>>) =>
  createLoader<string, string | null>({ read, textOf: (key) => key, missing: null });

test("all who load a key get what was known of it first", async () => {
  const loader = loaderOf(async () => new Map([["a", "read"]]));
  expect(await loader.load("a")).toBe("read");
  loader.prime("a", "later");
  expect(await loader.load("a")).toBe("read");
  loader.prime("b", "first");
  loader.prime("b", "second");
  expect(loader.load("b")).toBe("first");
});

test("what comes to hand while a key is read is what its readers get", async () => {
  const answer = Promise.withResolvers<Map<string, string>>();
  const loader = loaderOf(() => answer.promise);
  const loaded = loader.load("a");
  loader.prime("a", "at hand");
  answer.resolve(new Map([["a", "read"]]));
  expect(await loaded).toBe("at hand");
});

test("a key that was missing is found once it is put at hand", async () => {
  const loader = loaderOf(async () => new Map());
  expect(await loader.load("a")).toBeNull();
  loader.prime("a", "at hand");
  expect(loader.load("a")).toBe("at hand");
});

test("those who ask alike load together, each key by the query that it is asked with", async () => {
  const reads: [readonly string[], { limit: number }][] = [];
  const loaderFor = createLoaders<{ limit: number }, string, string>({
    read: async (keys, query) => {
      reads.push([keys, query]);
      return new Map(keys.map((key) => [key, `${key}${query.limit}`]));
    },
    textOf: (key) => key,
    missing: "",
  });
  const load = async (key: string, limit: number) => loaderFor({ limit }).load(key);
  expect(await Promise.all([load("a", 1), load("b", 1), load("a", 2)])).toEqual(["a1", "b1", "a2"]);
  expect(reads).toEqual([
    [["a", "b"], { limit: 1 }],
    [["a"], { limit: 2 }],
  ]);
});
