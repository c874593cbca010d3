import type { Bus } from "../../src/live/bus.ts";

/** Numbers from 0 up to 1; the same ones for the same seed (mulberry32). */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, below: (end) => Math.floor(next() * end), one: (from) => from[Math.floor(next() * from.length)]! };
}

export interface Chance {
  next(): number;
  below(end: number): number;
  one<T>(from: readonly T[]): T;
}

/** Printed, so that a run can be repeated: `SEED=…`. */
export function printedSeed(of: string): number {
  const seed = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
  console.info(`${of}: SEED=${seed}`);
  return seed;
}

/** A bus that loses, doubles and holds up what it is given, so that it also arrives in another order. */
export function unreliable(bus: Bus, chance: Chance): Bus {
  return withPublish(bus, (channel, text) => {
    const kind = chance.below(6);
    if (kind === 0) return Promise.resolve(true);
    if (kind === 1) void bus.publish(channel, text);
    if (kind !== 2) return bus.publish(channel, text);
    setTimeout(() => void bus.publish(channel, text), chance.below(40));
    return Promise.resolve(true);
  });
}

/** The same bus with another `publish`. */
export function withPublish(bus: Bus, publish: Bus["publish"]): Bus {
  return {
    publish,
    subscribe: (channel, listener) => bus.subscribe(channel, listener),
    get up() {
      return bus.up;
    },
    onRecovered: (listener) => bus.onRecovered(listener),
    onStateChange: (listener) => bus.onStateChange(listener),
    close: () => bus.close(),
    [Symbol.asyncDispose]: () => bus.close(),
  };
}
