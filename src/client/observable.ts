import { callSafely } from "./call-safely.ts";

/** A value that changes, in the shape of React's `useSyncExternalStore`. */
export interface Observable<T> {
  /** The present value: the same reference until it changes. */
  get(this: void): T;
  /** Calls `listener` after each change until the returned function is called. One that throws disturbs no other. */
  subscribe(this: void, listener: () => void): () => void;
}

/** An observable whose owner sets it. What is the same already tells nobody. */
export interface Variable<T> extends Observable<T> {
  set(value: T): void;
}

/** A value of its own that tells its listeners when it is set to another one. */
export function createVariable<T>(initial: T): Variable<T> {
  const listeners = createListeners();
  let current = initial;
  return {
    get: () => current,
    subscribe: (listener) => listeners.add(listener),
    set(value) {
      if (Object.is(value, current)) return;
      current = value;
      listeners.tell();
    },
  };
}

/** An observable computed when it is read, once after each `changed()`: many changes between two readings cost one computation. */
export interface Computed<T> extends Observable<T> {
  changed(): void;
}

export function createComputed<T>(compute: () => T): Computed<T> {
  const listeners = createListeners();
  let cached: { value: T } | undefined;
  return {
    get: () => (cached ??= { value: compute() }).value,
    subscribe: (listener) => listeners.add(listener),
    changed() {
      cached = undefined;
      listeners.tell();
    },
  };
}

/** An observable whose source is open only while somebody listens. `open` gives the function that closes it. */
export function createLazy<T>(initial: T, open: (set: (value: T) => void) => () => void): Observable<T> {
  const variable = createVariable(initial);
  let listeners = 0;
  let close: (() => void) | undefined;
  return {
    get: () => variable.get(),
    subscribe(listener) {
      const stop = variable.subscribe(listener);
      if (listeners++ === 0) close = open((value) => variable.set(value));
      let isOver = false;
      return () => {
        if (isOver) return;
        isOver = true;
        stop();
        if (--listeners > 0) return;
        close?.();
        variable.set(initial);
      };
    },
  };
}

function createListeners() {
  const entries = new Set<{ listener: () => void }>();
  return {
    add(listener: () => void) {
      // An object of its own, so that one function subscribed twice is told twice and leaves once.
      const entry = { listener };
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    tell() {
      for (const entry of Array.from(entries)) {
        if (entries.has(entry)) callSafely(entry.listener);
      }
    },
  };
}

/** Resolves as soon as the value fits, at once where it does already. Rejects when `signal` aborts. */
export function whenFits<T>(value: Observable<T>, fits: (value: T) => boolean, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const present = value.get();
      if (!signal.aborted && !fits(present)) return;
      stop();
      signal.removeEventListener("abort", look);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve(present);
    };
    const stop = value.subscribe(look);
    signal.addEventListener("abort", look);
    look();
  });
}
