import { fromCursors, parseCursor, toCursors, type SyncState } from "../clock/cursors.ts";
import { vectorClockFromJson } from "../clock/vector-clock.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import type { Lock } from "./lock.ts";
import type { KeyValueStorage } from "./storage.ts";

/**
 * How far this device has come in each room. In the storage the tabs of a device merge theirs, so that a reload goes on
 * from the newest; in memory each tab has its own.
 */
export interface SyncPosition {
  /** Undefined: this device has not synced yet. */
  readonly cursors: string[] | undefined;
  /** The newest cursor taken in of a room. */
  of(roomId: string): string | undefined;
  advance(cursors: readonly string[]): void;
  /** Forgets rooms that are not needed any longer. */
  keep(isNeeded: (roomId: string) => boolean): void;
  /** Forgets everything, in the storage too: the server's log is another one. */
  reset(): Promise<void>;
  /** What the storage holds. It cannot be read: as if there were none. */
  load(): Promise<void>;
  /** Writes what is not written yet and leaves no timer behind. */
  dispose(): Promise<void>;
}

export interface SyncPositionOptions {
  storage: KeyValueStorage;
  lock: Lock;
  key: string;
  clock: Clock;
  /** The least time between two writes. */
  writeEveryMs?: number;
  onFault: (error: unknown) => void;
}

export function createSyncPosition(options: SyncPositionOptions): SyncPosition {
  const { storage, lock, key, clock, writeEveryMs = 1_000, onFault } = options;
  let state: SyncState | undefined;
  let isWritten = true;
  let isDisposed = false;
  let timer: unknown;
  let writing: Promise<void> | undefined;
  const forgotten = new Set<string>();

  async function read(): Promise<SyncState | undefined> {
    try {
      const text = await storage.get(key);
      return text === undefined ? undefined : stateFrom(text);
    } catch (error) {
      callSafely(onFault, error);
      return undefined;
    }
  }

  async function write() {
    isWritten = true;
    const present = state;
    if (!present) return;
    try {
      // Other tabs write here too.
      await lock(key, async () => {
        const stored = await read();
        const merged = stored ? present.merge(stored.keep((roomId) => !forgotten.has(roomId))) : present;
        await storage.set(key, JSON.stringify(merged));
      });
    } catch (error) {
      isWritten = false;
      callSafely(onFault, error);
    }
  }

  function change(next: SyncState) {
    if (next === state) return;
    state = next;
    isWritten = false;
    if (isDisposed) return;
    timer ??= clock.setTimeout(() => {
      timer = undefined;
      writing = write();
    }, writeEveryMs);
  }

  return {
    get cursors() {
      return state && toCursors(state);
    },
    of(roomId) {
      const revision = state?.get(roomId);
      return revision === undefined ? undefined : `${roomId}.${revision}`;
    },
    advance(cursors) {
      const news = fromCursors(cursors);
      for (const [roomId] of news.entries()) forgotten.delete(roomId);
      change(state ? state.merge(news) : news);
    },
    keep(isNeeded) {
      if (!state) return;
      for (const [roomId] of state.entries()) if (!isNeeded(roomId)) forgotten.add(roomId);
      change(state.keep(isNeeded));
    },
    async reset() {
      state = undefined;
      isWritten = true;
      try {
        await lock(key, () => storage.delete(key));
      } catch (error) {
        callSafely(onFault, error);
      }
    },
    async load() {
      state ??= await read();
    },
    async dispose() {
      isDisposed = true;
      clock.clearTimeout(timer);
      timer = undefined;
      await writing;
      if (!isWritten) await write();
    },
  };
}

/** @throws SyntaxError */
function stateFrom(text: string): SyncState {
  const state = vectorClockFromJson<string>(JSON.parse(text));
  for (const cursor of toCursors(state)) parseCursor(cursor);
  return state;
}
