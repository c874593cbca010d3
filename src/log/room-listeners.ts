import type { Change } from "./changes.ts";
import { isErasedId } from "./ids.ts";

export type RoomListener = {
  changed(changes: readonly Change[]): void;
  /**
   * Who is a member has to be found out anew. The room's log went back: what was told of it may never have been. Or somebody
   * was erased: that they left may have been missed, and is not in the log any more under the id that they had.
   */
  reset(): void;
};

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
    this.#each(roomId, (listener) => listener.changed(changes));
    if (changes.some((change) => change.type === "MemberLeft" && isErasedId(change.member.userId))) this.reset(roomId);
  }

  reset(roomId: string): void {
    this.#each(roomId, (listener) => listener.reset());
  }

  #each(roomId: string, tell: (listener: RoomListener) => void): void {
    for (const listener of this.#byRoom.get(roomId) ?? []) {
      try {
        tell(listener);
      } catch (fault) {
        this.#onFault(fault);
      }
    }
  }
}
