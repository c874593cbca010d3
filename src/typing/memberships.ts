import DataLoader from "dataloader";
import { LRUCache } from "lru-cache";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { Change } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import type { RoomOfUser, RoomsStore } from "../rooms/rooms.store.ts";

const maxKnown = 50_000;
const maxAgeMs = 1_000;
const maxPerStatement = 5_000;

type Known = { readonly roomId: string; readonly watch: object | undefined; readonly untilMs: number };
type Room = { holders: number; departures: number; stopListening: () => void };

/**
 * Who is a member, without asking the database each time: what is known holds as long as this node watches the room, and for
 * a second where it does not. Only that somebody is one is kept.
 */
export class Memberships {
  readonly #hub: Pick<Hub, "listen" | "watchOf">;
  readonly #clock: BoardClock;
  readonly #known: LRUCache<string, Known>;
  readonly #rooms = new Map<string, Room>();
  readonly #members: DataLoader<RoomOfUser, boolean>;

  constructor(options: {
    hub: Pick<Hub, "listen" | "watchOf">;
    store: Pick<RoomsStore, "readMembers">;
    clock: BoardClock;
  }) {
    const { store } = options;
    this.#hub = options.hub;
    this.#clock = options.clock;
    this.#known = new LRUCache({ max: maxKnown, dispose: ({ roomId }) => this.#release(roomId) });
    this.#members = new DataLoader(
      async (asked) => {
        const found = new Set((await store.readMembers(asked)).map(keyOf));
        return asked.map((each) => found.has(keyOf(each)));
      },
      { cache: false, maxBatchSize: maxPerStatement },
    );
  }

  async isMember(asked: RoomOfUser): Promise<boolean> {
    const known = this.#known.get(keyOf(asked));
    return (known !== undefined && this.#holds(known)) || this.readAnew(asked);
  }

  /** As the database has it now. */
  async readAnew(asked: RoomOfUser): Promise<boolean> {
    const { roomId, userId } = asked;
    const watch = this.#hub.watchOf(roomId);
    const untilMs = this.#clock.monotonicMs() + maxAgeMs;
    const room = this.#hold(roomId);
    try {
      const { departures } = room;
      const isMember = await this.#members.load(asked);
      // Whoever left while that was read may be one no more.
      if (isMember && room.departures === departures) this.#keep({ roomId, watch, untilMs }, userId);
      if (!isMember) this.#known.delete(keyOf(asked));
      return isMember;
    } finally {
      this.#release(roomId);
    }
  }

  #holds({ roomId, watch, untilMs }: Known): boolean {
    const isWatched = watch !== undefined && this.#hub.watchOf(roomId) === watch;
    return isWatched || this.#clock.monotonicMs() < untilMs;
  }

  #keep(known: Known, userId: string): void {
    this.#hold(known.roomId);
    this.#known.set(keyOf({ roomId: known.roomId, userId }), known);
  }

  /** As long as something is known of a room its changes are heard of. */
  #hold(roomId: string): Room {
    const room = this.#rooms.get(roomId) ?? this.#listen(roomId);
    room.holders += 1;
    return room;
  }

  #release(roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (!room || (room.holders -= 1) > 0) return;
    room.stopListening();
    this.#rooms.delete(roomId);
  }

  #listen(roomId: string): Room {
    const stopListening = this.#hub.listen(roomId, {
      changed: (changes) => this.#changed(roomId, changes),
      reset: () => this.#forget(roomId),
    });
    const room = { holders: 0, departures: 0, stopListening };
    this.#rooms.set(roomId, room);
    return room;
  }

  #forget(roomId: string): void {
    const ofRoom = [...this.#known.entries()].filter(([, known]) => known.roomId === roomId);
    for (const [key] of ofRoom) this.#known.delete(key);
  }

  #changed(roomId: string, changes: readonly Change[]): void {
    const room = this.#rooms.get(roomId);
    for (const change of changes) {
      if (change.type !== "MemberLeft") continue;
      if (room) room.departures += 1;
      this.#known.delete(keyOf({ roomId, userId: change.member.userId }));
    }
  }
}

const keyOf = ({ roomId, userId }: RoomOfUser) => `${roomId} ${userId}`;
