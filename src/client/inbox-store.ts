import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import {
  RoomCursorDocument,
  RoomCursorsDocument,
  RoomDocument,
  RoomsDocument,
  type RoomCountsFragment,
  type RoomsQuery,
} from "./generated/operations.ts";
import { createComputed, type Observable } from "./observable.ts";
import { persist } from "./persist.ts";
import { createRecount, type Recount } from "./recount.ts";
import type { Requests } from "./requests.ts";
import type { RoomEvent } from "./room-event.ts";
import { RoomList } from "./room-list.ts";
import type { RoomSummary } from "./room-summary.ts";

/** `loading` until all rooms are there; those that are there are shown. */
export interface Inbox {
  status: "loading" | "ready";
  /** Latest activity first. */
  rooms: readonly RoomSummary[];
  /** Others' messages in all of these rooms that the user has not read. */
  unreadCount: number;
}

export interface InboxStoreOptions {
  userId: string;
  requests: Requests;
  clock: Clock;
  random: () => number;
  /** Beyond it the rooms without activity for the longest are left out. */
  maxRooms: number;
  /** Resolves as soon as no change after it will be missed. */
  anchored: (signal: AbortSignal) => Promise<void>;
  onFault: (error: unknown) => void;
}

/** The user's rooms, each with its last message and how many are unread, kept current by events. */
export class InboxStore {
  readonly inbox: Observable<Inbox>;
  readonly #options: InboxStoreOptions;
  readonly #list: RoomList;
  readonly #recount: Recount;
  readonly #computed = createComputed(() => this.#compute());
  #status: Inbox["status"] = "loading";
  #life = new AbortController();

  constructor(options: InboxStoreOptions) {
    this.#options = options;
    this.inbox = this.#computed;
    const { clock, random, userId, maxRooms } = options;
    this.#recount = createRecount({ clock, random, ask: (roomId) => this.#ask(roomId) });
    this.#list = new RoomList({
      userId,
      maxRooms,
      onUncertain: (roomId) => {
        // Of rooms that are not there, those that are being loaded are still to come.
        const isKnown = this.#status === "ready" || this.find(roomId) !== undefined;
        if (isKnown && !this.#life.signal.aborted) this.#recount.want(roomId);
      },
      onCertain: (roomId) => this.#recount.cancel(roomId),
    });
  }

  find(roomId: string): RoomSummary | undefined {
    return this.#list.get(roomId);
  }

  /** Loads all rooms, again and again until that succeeds. @throws when the inbox is disposed of, or reset */
  async load(): Promise<void> {
    const { signal } = this.#life;
    const { clock, anchored, onFault } = this.#options;
    await persist({ clock, signal, onFault }, async () => {
      await anchored(signal);
      await this.#list.whileLoading(() => this.#loadPages(signal));
    });
  }

  take(events: readonly RoomEvent[]): void {
    for (const event of events) this.#list.take(event);
    this.#computed.changed();
  }

  /** A room as the server has it now: the answer to a mutation. */
  put(room: RoomSummary): void {
    this.#list.put(room);
    this.#computed.changed();
  }

  /** The count that came with the answer to `markRead`. */
  putCounts(counts: RoomCountsFragment): void {
    this.#list.putCounts(counts);
    this.#computed.changed();
  }

  /** Forgets all: to be loaded anew. */
  reset(): void {
    this.dispose();
    this.#life = new AbortController();
    this.#list.clear();
    this.#status = "loading";
    this.#computed.changed();
  }

  dispose(): void {
    this.#life.abort(new Error("The inbox was disposed of."));
    this.#recount.dispose();
  }

  async #loadPages(signal: AbortSignal) {
    const { requests, maxRooms } = this.#options;
    let listed = 0;
    let page: RoomsQuery["rooms"]["pageInfo"] = { hasNextPage: true, endCursor: null };
    while (page.hasNextPage && listed < maxRooms) {
      const place = { first: 100, after: page.endCursor };
      const { rooms } = await requests.ask(RoomsDocument, place, { signal });
      const seals = new Map(rooms.edges.map(({ node }) => [node.id, this.#list.put(node)]));
      if (rooms.edges.some(({ node }) => node.unreadCount > 0)) {
        const { rooms: after } = await requests.ask(RoomCursorsDocument, place, { signal });
        for (const { node } of after.edges) seals.get(node.id)?.(node.cursor);
      }
      listed += rooms.edges.length;
      this.#computed.changed();
      page = rooms.pageInfo;
    }
    this.#status = "ready";
    this.#computed.changed();
  }

  /** One room, anew. */
  async #ask(roomId: string) {
    const { requests, onFault } = this.#options;
    const { signal } = this.#life;
    try {
      await this.#list.whileLoading(async () => {
        const { room } = await requests.ask(RoomDocument, { id: roomId }, { signal });
        if (!room) return this.#list.delete(roomId);
        const seal = this.#list.put(room);
        if (room.unreadCount === 0) return;
        const { room: after } = await requests.ask(RoomCursorDocument, { id: roomId }, { signal });
        if (after) seal(after.cursor);
      });
      this.#computed.changed();
    } catch (error) {
      if (signal.aborted) return;
      callSafely(onFault, error);
      this.#recount.want(roomId);
    }
  }

  #compute(): Inbox {
    const rooms = this.#list.sorted();
    return { status: this.#status, rooms, unreadCount: rooms.reduce((sum, room) => sum + room.unreadCount, 0) };
  }
}
