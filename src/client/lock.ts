/** Runs `work` while nobody else holds the lock of that name, those who wait in their order; gives what `work` gives. */
export type Lock = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/** A lock among those who share this object: within one tab or process. */
export function createLocalLock(): Lock {
  const tails = new Map<string, Promise<unknown>>();
  return async (name, work) => {
    const before = tails.get(name) ?? Promise.resolve();
    const result = before.then(work);
    // Who comes next waits for the end, whatever it is; the failure itself goes to the caller.
    const tail = result.then(ignore, ignore);
    tails.set(name, tail);
    try {
      return await result;
    } finally {
      if (tails.get(name) === tail) tails.delete(name);
    }
  };
}

/** A lock among all tabs of an origin, by the Web Locks API (`navigator.locks`); the browser frees those of a closed tab. */
export function createWebLock(locks: LockManager): Lock {
  return async <T>(name: string, work: () => Promise<T>) => (await locks.request(name, work)) as T;
}

/** Between tabs where the runtime can (`navigator.locks`), otherwise within this one. */
export const systemLock: Lock = globalThis.navigator?.locks
  ? createWebLock(globalThis.navigator.locks)
  : createLocalLock();

function ignore() {}
