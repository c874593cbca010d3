import { parseHlc, type HybridLogicalClock } from "../clock/hlc.ts";
import type { Bus } from "../live/bus.ts";
import { inSpan, traceHeaders } from "../tracing.ts";
import type { ChangeKind } from "./changes.ts";
import type { Position } from "./cursor.ts";
import { Comparison } from "./comparison.ts";
import { Deliveries, wallClockMs } from "./deliveries.ts";
import type { Group } from "./group.ts";
import type { HubMetrics } from "./hub-metrics.ts";
import { createLimiter } from "./limiter.ts";
import type { LogStore } from "./log.store.ts";
import type { Publication } from "./publication.ts";
import { encodePublication, roomChannel } from "./publication.ts";
import { RingBudget } from "./ring-budget.ts";
import { RoomListeners, type RoomListener } from "./room-listeners.ts";
import type { Selection } from "./selection.ts";
import type { CatchUp } from "./room-page.ts";
import { WatchedRoom, WatchedUser, userPublication } from "./watches.ts";

export type HubOptions = {
  nodeId: string;
  bus: Bus;
  store: LogStore;
  metrics: HubMetrics;
  onFault: (fault: unknown) => void;
  /** Takes note of what other nodes wrote. */
  clock: Pick<HybridLogicalClock, "absorb">;
  /** How often what is watched is compared with the database. Others' changes are that late at most when the bus is down. */
  compareIntervalMs?: number;
  holeTimeoutMs?: number;
  drainTimeoutMs?: number;
  maxCatchUps?: number;
  /** What all groups together keep for readers that fall behind. */
  maxRingBytes?: number;
};

/**
 * Follows the rooms and users that somebody on this node watches. The bus is a hint, the database is the truth: what is
 * watched is compared with it every few seconds, and after each interruption of the bus.
 */
export class Hub implements AsyncDisposable {
  readonly metrics: HubMetrics;
  readonly drainTimeoutMs: number;
  readonly onFault: (fault: unknown) => void;
  readonly #options: HubOptions;
  readonly #rooms = new Map<string, WatchedRoom>();
  readonly #users = new Map<string, WatchedUser>();
  readonly #listeners: RoomListeners;
  /** Rooms whose log went back, and that are still watched. */
  readonly #toOpen = new Set<string>();
  readonly #catchUps: ReturnType<typeof createLimiter>;
  readonly #deliveries: Deliveries;
  readonly #ringBudget: RingBudget;
  readonly #comparison: Comparison;

  constructor(options: HubOptions) {
    this.#options = options;
    this.metrics = options.metrics;
    this.onFault = options.onFault;
    this.drainTimeoutMs = options.drainTimeoutMs ?? 30_000;
    this.#listeners = new RoomListeners(options.onFault);
    this.#deliveries = new Deliveries(options.metrics);
    this.#ringBudget = new RingBudget({ maxBytes: options.maxRingBytes ?? 64 << 20 });
    this.#catchUps = createLimiter(options.maxCatchUps ?? 8);
    this.#comparison = new Comparison({
      rooms: this.#rooms,
      users: this.#users,
      store: options.store,
      bus: options.bus,
      resume: () => this.#openAgain(),
      onBack: (roomIds) => this.#wentBack(roomIds),
      onFault: options.onFault,
      intervalMs: options.compareIntervalMs ?? 2_000,
    });
  }

  get watchedRooms(): number {
    return this.#rooms.size;
  }

  get groups(): number {
    let count = 0;
    for (const room of this.#rooms.values()) count += room.groups.size;
    return count;
  }

  /** What all groups together keep. */
  get ringBytes(): number {
    return this.#ringBudget.bytes;
  }

  /** Reads for subscribers that wait for their turn. */
  get waitingCatchUps(): number {
    return this.#catchUps.waiting;
  }

  /** Gives a change that was committed just now to this node's readers at once, and to the other nodes by the bus. */
  publish(committed: Publication): void {
    const publication = { ...committed, committedAtMs: wallClockMs(), trace: traceHeaders() };
    const { roomId, changes } = publication;
    this.metrics.eventsIn("here", changes.length);
    const room = this.#rooms.get(roomId);
    // Until the room is followed, what is in the database already when that begins comes of no feed.
    if (!room?.feed) this.#listeners.tell(roomId, changes);
    room?.receive(publication, "here");
    void this.#options.bus.publish(roomChannel(roomId), encodePublication(this.#options.nodeId, publication));
  }

  /** The user's memberships changed, in a commit that gave the user this revision. */
  publishUser(userId: string, revision: number): void {
    this.#users.get(userId)?.changed(revision);
    const { channel, text } = userPublication(userId, revision);
    void this.#options.bus.publish(channel, text);
  }

  /** Follows these rooms until `unwatchRooms`: afterwards no change is missed. Rooms that do not exist are passed over. */
  async watchRooms(roomIds: string[]): Promise<void> {
    const rooms = roomIds.map((roomId) => this.#watchRoom(roomId));
    try {
      // The bus must listen before the revisions are read, or a change in between would be missed.
      await Promise.all(rooms.map((room) => room.listening));
      await this.#open(rooms.filter((room) => !room.feed).map((room) => room.roomId));
    } catch (fault) {
      this.unwatchRooms(roomIds);
      throw fault;
    }
  }

  async #open(roomIds: string[]): Promise<void> {
    if (roomIds.length === 0) return;
    const heads = await this.#options.store.readHeads(roomIds);
    for (const head of heads) {
      this.#rooms.get(head.room.id)?.open(head, {
        store: this.#options.store,
        isBusUp: () => this.#options.bus.up,
        onChanges: (changes) => this.#listeners.tell(head.room.id, changes),
        onGap: () => this.metrics.busGap(),
        onBack: () => void this.#wentBack([head.room.id]).catch(this.#options.onFault),
        onDoubled: (route) => {
          // A node tells of each of its commits once.
          if (route === "here") void this.#wentBack([head.room.id]).catch(this.#options.onFault);
          else void this.compare();
        },
        onFault: this.#options.onFault,
        holeTimeoutMs: this.#options.holeTimeoutMs,
      });
    }
  }

  unwatchRooms(roomIds: string[]): void {
    for (const roomId of roomIds) {
      const room = this.#rooms.get(roomId);
      if (!room) continue;
      room.watchers -= 1;
      if (room.watchers > 0) continue;
      this.#rooms.delete(roomId);
      room.close();
    }
  }

  /**
   * Calls back with each change of the room that this node learns of, in the order of the log: with all while the room is
   * watched, else with those made on this node, of which one may come again when the room begins to be watched; and when the
   * log of a watched room went back. Returns how to stop.
   */
  listen(roomId: string, listener: RoomListener): () => void {
    return this.#listeners.listen(roomId, listener);
  }

  /** The same object as long as the room is followed without interruption; undefined while it is not. */
  watchOf(roomId: string): object | undefined {
    return this.#rooms.get(roomId)?.feed;
  }

  /** The group of those who asked alike in a watched room. */
  joinGroup(roomId: string, selection: Selection): Group {
    return this.#rooms.get(roomId)!.join(selection);
  }

  /** The reader's watch of the room ends with it. */
  leaveGroup(roomId: string, group: Group): void {
    if (group.readers.size === 0) this.#rooms.get(roomId)?.leave(group);
    this.unwatchRooms([roomId]);
  }

  /**
   * Calls back on each change of the user's memberships, with the user's revision, once listening; with a lower one than before
   * where the database went back, and perhaps with the one that the user has had all along. Returns how to stop.
   */
  async watchUser(userId: string, listener: (revision: number) => void): Promise<() => void> {
    let user = this.#users.get(userId);
    if (!user) {
      user = new WatchedUser({ userId, bus: this.#options.bus });
      this.#users.set(userId, user);
    }
    const watched = user;
    watched.listeners.add(listener);
    await watched.listening;
    return () => {
      watched.listeners.delete(listener);
      if (watched.listeners.size > 0 || this.#users.get(userId) !== watched) return;
      this.#users.delete(userId);
      watched.close();
    };
  }

  /**
   * Catch-ups are many at once after an outage: few run at a time, so that live traffic goes on, and so that few pages and
   * their responses are in memory. Users take turns. One must not wait for its client within its turn.
   */
  catchUp(userId: string, work: () => Promise<void>): Promise<void> {
    return this.#catchUps.run(userId, work);
  }

  /** Within the turn of a catch-up. */
  readForMember(query: {
    userId: string;
    after: Position[];
    limit: number;
    kinds: ReadonlySet<ChangeKind>;
  }): Promise<CatchUp> {
    this.metrics.catchUpPage();
    const attributes = { "causerie.rooms": query.after.length };
    return inSpan("catch-up", { attributes }, async (span) => {
      const read = await this.#options.store.readForMember(query);
      span.setAttribute(
        "causerie.events",
        read.pages.reduce((count, page) => count + page.changes.length, 0),
      );
      return read;
    });
  }

  /** Compares the revisions of all that is watched with the database, and fetches what was missed. */
  compare(): Promise<void> {
    return this.#comparison.run();
  }

  /**
   * These rooms' logs are not those that this node told of: the database was restored from a backup, or lost commits in a
   * failover. Their readers begin anew (`CURSOR_RESET`), the rooms are followed from where they stand now, and then whoever
   * listens is to look anew.
   */
  async #wentBack(roomIds: string[]): Promise<void> {
    for (const roomId of roomIds) {
      const room = this.#rooms.get(roomId);
      if (!room?.feed) continue;
      this.metrics.roomReset();
      room.reset();
      this.#toOpen.add(roomId);
    }
    await this.#openAgain();
  }

  async #openAgain(): Promise<void> {
    const asked = [...this.#toOpen];
    await this.#open(asked.filter((roomId) => this.#rooms.has(roomId)));
    // Others may have come meanwhile.
    for (const roomId of asked) if (this.#toOpen.delete(roomId)) this.#listeners.reset(roomId);
  }

  #watchRoom(roomId: string): WatchedRoom {
    let room = this.#rooms.get(roomId);
    if (!room) {
      const { bus, nodeId } = this.#options;
      const onForeign = (publication: Publication) => this.#absorb(publication);
      room = new WatchedRoom({
        roomId,
        deliveries: this.#deliveries,
        ringBudget: this.#ringBudget,
        bus,
        nodeId,
        onForeign,
      });
      this.#rooms.set(roomId, room);
    }
    room.watchers += 1;
    return room;
  }

  #absorb({ changes }: Publication): void {
    this.metrics.eventsIn("bus", changes.length);
    for (const change of changes) {
      if (change.type === "MessageSent") this.#options.clock.absorb(parseHlc(change.message.hlc).reading);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // From here on it changes nothing.
    const ended = this.#comparison[Symbol.asyncDispose]();
    for (const room of this.#rooms.values()) room.close();
    for (const user of this.#users.values()) user.close();
    this.#rooms.clear();
    this.#users.clear();
    await ended;
  }
}
