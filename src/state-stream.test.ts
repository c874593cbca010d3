import { expect, test } from "vitest";
import { StateStream } from "./state-stream.ts";

/** A counter whose every value is news. */
function counter() {
  const state = { value: 0, told: -1, closed: 0 };
  const stream = new StateStream<number>({
    take() {
      if (state.told === state.value) return null;
      state.told = state.value;
      return state.value;
    },
    onClose: () => (state.closed += 1),
  });
  const set = (value: number) => {
    state.value = value;
    stream.changed();
  };
  return { state, stream, set };
}

const given = (value: number) => ({ done: false, value });
const over = { done: true, value: undefined };

test("whoever waits is given each state", async () => {
  const { stream, set } = counter();
  expect(await stream.next()).toEqual(given(0));
  for (const value of [1, 2, 3]) {
    const next = stream.next();
    set(value);
    expect(await next).toEqual(given(value));
  }
});

test("whoever is slow is given the newest, and nothing that was between", async () => {
  const { stream, set } = counter();
  await stream.next();
  for (const value of [1, 2, 3]) set(value);
  expect(await stream.next()).toEqual(given(3));
  const next = stream.next();
  set(4);
  expect(await next).toEqual(given(4));
});

test("what changes while a state is made is given next", async () => {
  const gate = Promise.withResolvers<void>();
  let [value, told] = [0, -1];
  const stream = new StateStream<number>({
    async take() {
      if (told === value) return null;
      told = value;
      await gate.promise;
      return told;
    },
    onClose() {},
  });
  const [first, second] = [stream.next(), stream.next()];
  value = 1;
  stream.changed();
  gate.resolve();
  expect(await first).toEqual(given(0));
  expect(await second).toEqual(given(1));
});

test("the end comes after what is left, and a return at once, each closing it once", async () => {
  const ended = counter();
  await ended.stream.next();
  ended.set(1);
  ended.stream.end();
  expect(await ended.stream.next()).toEqual(given(1));
  expect(await ended.stream.next()).toEqual(over);
  const returned = counter();
  await returned.stream.next();
  const waiting = returned.stream.next();
  await returned.stream.return();
  expect(await waiting).toEqual(over);
  returned.set(1);
  expect(await returned.stream.next()).toEqual(over);
  await returned.stream.return();
  expect([ended.state.closed, returned.state.closed]).toEqual([1, 1]);
});

test("a fault is told once, and is the end", async () => {
  let closed = 0;
  const stream = new StateStream<number>({
    take: () => Promise.reject(new Error("no state")),
    onClose: () => (closed += 1),
  });
  await expect(stream.next()).rejects.toThrow("no state");
  expect(await stream.next()).toEqual(over);
  expect(closed).toBe(1);
});
