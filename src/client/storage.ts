/** Where the kit keeps what must outlive a reload. Implementations: memory, localStorage, IndexedDB, or the app's own. */
export interface KeyValueStorage {
  get(key: string): Promise<string | undefined>;
  /** Each call settles in the end. Resolves when the value would survive a reload; rejects where it cannot be kept (the quota is full, say). */
  set(key: string, value: string): Promise<void>;
  /** A key that is not there is no error. */
  delete(key: string): Promise<void>;
  /** The keys that begin with `prefix`, in any order. */
  keys(prefix: string): Promise<string[]>;
}

/** Lives as long as the object. */
export function createMemoryStorage(): KeyValueStorage {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
    delete: async (key) => void values.delete(key),
    keys: async (prefix) => [...values.keys()].filter((key) => key.startsWith(prefix)),
  };
}

/** Over `localStorage` or `sessionStorage`. */
export function createWebStorage(storage: Storage): KeyValueStorage {
  return {
    get: async (key) => storage.getItem(key) ?? undefined,
    set: async (key, value) => storage.setItem(key, value),
    delete: async (key) => storage.removeItem(key),
    async keys(prefix) {
      const all = Array.from({ length: storage.length }, (_, index) => storage.key(index));
      return all.filter((key) => key !== null).filter((key) => key.startsWith(prefix));
    },
  };
}
