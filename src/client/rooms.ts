import type { Clock } from "./clock.ts";
import type { RoomEvent } from "./room-event.ts";
import type { Room } from "./room.ts";

type Entry = { room: Room; holders: number; timer: unknown };

/** The rooms that the app shows, each once however many parts of the app show it. */
export interface Rooms {
  /**
   * The room, loading unless it was open already. Unless somebody holds it, it closes half a minute after it was last asked for: it
   * then stays as it is, hears of nothing more, and must not be used any more.
   */
  get(roomId: string): Room;
  /** Keeps the room open until the function that it gives is called. */
  hold(roomId: string): () => void;
  take(events: readonly RoomEvent[]): void;
  reset(): void;
  /** Closes all rooms; one that is asked for afterwards is closed from the beginning. */
  dispose(): Promise<void>;
}

export interface RoomsOptions {
  open: (roomId: string) => Room;
  clock: Clock;
  /** How long a room that nobody holds stays open: somebody may come back to it. */
  keepMs: number;
  /** How many rooms that nobody holds stay open. */
  maxIdle: number;
}

export function createRooms({ open, clock, keepMs, maxIdle }: RoomsOptions): Rooms {
  const entries = new Map<string, Entry>();
  let isDisposed = false;

  function entryOf(roomId: string): Entry {
    const entry = entries.get(roomId) ?? { room: open(roomId), holders: 0, timer: undefined };
    // The one that was asked for last is the last.
    entries.delete(roomId);
    if (isDisposed) void entry.room.dispose();
    else entries.set(roomId, entry);
    return entry;
  }

  function idle(roomId: string, entry: Entry) {
    clock.clearTimeout(entry.timer);
    if (entry.holders > 0 || isDisposed) return;
    entry.timer = clock.setTimeout(() => (entry.room.isBusy ? idle(roomId, entry) : void close(roomId, entry)), keepMs);
    const idlers = [...entries].filter(([, other]) => other.holders === 0 && !other.room.isBusy);
    for (const [id, other] of idlers.slice(0, Math.max(0, idlers.length - maxIdle))) void close(id, other);
  }

  async function close(roomId: string, entry: Entry): Promise<void> {
    clock.clearTimeout(entry.timer);
    if (entries.get(roomId) === entry) entries.delete(roomId);
    await entry.room.dispose();
  }

  return {
    get(roomId) {
      const entry = entryOf(roomId);
      idle(roomId, entry);
      return entry.room;
    },
    hold(roomId) {
      const entry = entryOf(roomId);
      entry.holders++;
      clock.clearTimeout(entry.timer);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        entry.holders--;
        if (entries.get(roomId) === entry) idle(roomId, entry);
      };
    },
    take(events) {
      const byRoom = new Map<string, RoomEvent[]>();
      for (const event of events) {
        const ofRoom = byRoom.get(event.room.id) ?? [];
        byRoom.set(event.room.id, ofRoom);
        ofRoom.push(event);
      }
      for (const [roomId, ofRoom] of byRoom) entries.get(roomId)?.room.take(ofRoom);
    },
    reset() {
      for (const { room } of entries.values()) room.reset();
    },
    async dispose() {
      isDisposed = true;
      await Promise.all(Array.from(entries, ([roomId, entry]) => close(roomId, entry)));
    },
  };
}
