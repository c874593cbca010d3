import { expect, test } from "vitest";
import { createPace, type PaceOptions } from "./pace.ts";

/** A pace whose intervals end when told. */
function paceByHand(options: PaceOptions = {}) {
  let due: (() => void)[] = [];
  const pace = createPace({ burst: 2, later: (work) => void due.push(work), ...options });
  const passed: string[] = [];
  const call = async (roomId: string, name: string) => {
    await pace.turn(roomId);
    passed.push(name);
  };
  /** Ends the running intervals; resolves when all who were let go have gone. */
  const end = async () => {
    const ending = due;
    due = [];
    for (const work of ending) work();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { call, passed, end, running: () => due.length };
}

test("in a quiet room calls go on at once", async () => {
  const { call, passed } = paceByHand();
  await call("tea", "first");
  await call("tea", "second");
  await call("coffee", "third");
  expect(passed).toEqual(["first", "second", "third"]);
});

test("in a busy room those of one interval go on together, and so do those of the next", async () => {
  const { call, passed, end } = paceByHand();
  const calls = ["a", "b", "c", "d"].map((name) => call("tea", name));
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toEqual(["a", "b"]);
  await end();
  expect(passed).toEqual(["a", "b", "c", "d"]);
  calls.push(call("tea", "e"), call("tea", "f"));
  await new Promise((resolve) => setImmediate(resolve));
  expect(passed).toHaveLength(4);
  await end();
  expect(passed).toEqual(["a", "b", "c", "d", "e", "f"]);
  await Promise.all(calls);
});

test("one caller who waits for each answer waits for no crowd", async () => {
  const { call, passed, end } = paceByHand();
  await call("tea", "a");
  await call("tea", "b");
  const third = call("tea", "c");
  await end();
  await third;
  await call("tea", "d");
  expect(passed).toEqual(["a", "b", "c", "d"]);
});

test("a room is forgotten when nobody calls for an interval", async () => {
  const { call, end, running } = paceByHand();
  await call("tea", "a");
  await end();
  expect(running()).toBe(0);
  await call("tea", "b");
  await call("tea", "c");
  expect(running()).toBe(1);
});

test("no more than so many wait; one more is refused and told when to come back", async () => {
  const { call, end } = paceByHand({ burst: 1, maxWaiting: 2, intervalMs: 80 });
  await call("tea", "a");
  const waiting = [call("tea", "b"), call("coffee", "c"), call("coffee", "d")];
  await expect(call("tea", "e")).rejects.toMatchObject({ code: "RATE_LIMITED", retryAfterMs: 80 });
  await end();
  await Promise.all(waiting);
});
