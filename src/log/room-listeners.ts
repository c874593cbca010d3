import type { Change } from "./changes.ts";

export type RoomListener = (changes: readonly Change[]) => void;

/** Those within this process who are told of a room's changes. One listener's fault hinders no other. */
export class RoomListeners {
  readonly #byRoom = new Map<string, Set<RoomListener>>();
  readonly #onFault: (fault: unknown) => void;

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Returns how to stop. */
  listen(roomId: string, listener: RoomListener): () => void {
    const present = this.#byRoom.get(roomId) ?? new Set();
    this.#byRoom.set(roomId, present.add(listener));
    return () => {
      present.delete(listener);
      if (present.size === 0 && this.#byRoom.get(roomId) === present) this.#byRoom.delete(roomId);
    };
  }

  tell(roomId: string, changes: readonly Change[]): void {
    for (const listener of this.#byRoom.get(roomId) ?? []) {
      try {
        listener(changes);
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  }
}
