import DataLoader from "dataloader";

/**
 * Loads what is asked for in one turn of the event loop in one batch. What is at hand comes at once, not as a promise:
 * an execution that needs nothing else is synchronous.
 */
export interface Loader<Key, Value> {
  load(key: Key): Value | Promise<Value>;
  /** Puts a value at hand, unless there is one: all who load a key get the same. */
  prime(key: Key, value: Value): void;
}

type LoaderOptions<Key, Value> = {
  /** The values by `textOf` their keys; `missing` stands for those left out. */
  read: (keys: readonly Key[]) => Promise<Map<string, Value>>;
  textOf: (key: Key) => string;
  missing: Value;
};

export function createLoader<Key, Value>({ read, textOf, missing }: LoaderOptions<Key, Value>): Loader<Key, Value> {
  const atHand = new Map<string, Value>();
  const keep = (text: string, value: Value): Value => {
    const kept = atHand.get(text) ?? value;
    atHand.set(text, kept);
    return kept;
  };
  const loader = new DataLoader<Key, Value, string>(
    async (keys) => {
      const values = await read(keys);
      return keys.map((key) => {
        const value = values.get(textOf(key));
        return value === undefined ? missing : keep(textOf(key), value);
      });
    },
    { cacheKeyFn: textOf, maxBatchSize: 5_000 },
  );
  return {
    load(key) {
      const value = atHand.get(textOf(key));
      return value === undefined ? loader.load(key) : value;
    },
    prime: (key, value) => void keep(textOf(key), value),
  };
}

/** A loader for each query, which is data: those who ask alike load together. */
export function createLoaders<Query, Key, Value>(
  options: Omit<LoaderOptions<Key, Value>, "read"> & {
    read: (keys: readonly Key[], query: Query) => Promise<Map<string, Value>>;
  },
): (query: Query) => Loader<Key, Value> {
  const loaders = new Map<string, Loader<Key, Value>>();
  return (query) => {
    const text = JSON.stringify(query);
    const loader = loaders.get(text) ?? createLoader({ ...options, read: (keys) => options.read(keys, query) });
    loaders.set(text, loader);
    return loader;
  };
}

/** Goes on with a value that may still be on its way; at once where it is not. */
export function whenLoaded<Value, Result>(
  value: Value | Promise<Value>,
  next: (value: Value) => Result,
): Result | Promise<Awaited<Result>> {
  return value instanceof Promise ? (value.then(next) as Promise<Awaited<Result>>) : next(value);
}
