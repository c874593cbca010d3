import type { Bus, BusSubscription } from "../live/bus.ts";
import type { Change } from "./changes.ts";
import type { Deliveries } from "./deliveries.ts";
import { Group } from "./group.ts";
import { derivedId } from "./ids.ts";
import type { RoomHead } from "./log.store.ts";
import type { Publication } from "./publication.ts";
import { decodePublication, isEcho, roomChannel } from "./publication.ts";
import type { RingBudget } from "./ring-budget.ts";
import { RoomFeed, type FeedBatch, type RoomFeedOptions } from "./room-feed.ts";
import type { Selection } from "./selection.ts";

const maxEarly = 256;

/** A room that somebody on this node watches. Listens to its channel from the first watcher to the last. */
export class WatchedRoom {
  readonly roomId: string;
  readonly groups = new Map<string, Group>();
  watchers = 0;
  /** Resolves when the bus listens, or is known to be down. */
  readonly listening: Promise<boolean>;
  #feed: RoomFeed | undefined;
  /** What came before the feed knew where the log stands. */
  #early: Publication[] = [];
  readonly #subscription: BusSubscription;
  readonly #deliveries: Deliveries;
  readonly #ringBudget: RingBudget;

  constructor({
    roomId,
    deliveries,
    ringBudget,
    bus,
    nodeId,
    onForeign,
  }: {
    roomId: string;
    deliveries: Deliveries;
    ringBudget: RingBudget;
    bus: Bus;
    nodeId: string;
    onForeign: (publication: Publication) => void;
  }) {
    this.roomId = roomId;
    this.#deliveries = deliveries;
    this.#ringBudget = ringBudget;
    this.#subscription = bus.subscribe(roomChannel(roomId), (text) => {
      if (isEcho(nodeId, text)) return;
      const publication = decodePublication(roomId, text);
      if (!publication) return;
      onForeign(publication);
      this.receive(publication, "bus");
    });
    this.listening = this.#subscription.acknowledged;
  }

  get feed(): RoomFeed | undefined {
    return this.#feed;
  }

  /** The log stands here: from now on the room is followed. */
  open(
    head: RoomHead,
    { onChanges, ...options }: Omit<RoomFeedOptions, "head" | "onBatch"> & { onChanges: (changes: Change[]) => void },
  ): void {
    if (this.#feed) return;
    const onBatch = (batch: FeedBatch) => {
      for (const group of this.groups.values()) group.push(batch);
      onChanges(batch.changes);
    };
    this.#feed = new RoomFeed({ ...options, head, onBatch });
    for (const publication of this.#early) this.#feed.receive(publication, "bus");
    this.#early = [];
  }

  /**
   * The log went back behind what was handed on. Whoever reads is told to begin anew, and nobody reads on until the room is
   * opened again.
   */
  reset(): void {
    this.#feed?.close();
    this.#feed = undefined;
    const groups = [...this.groups.values()];
    this.groups.clear();
    for (const group of groups) {
      group.ring.close();
      for (const reader of group.readers) reader.reset();
    }
  }

  receive(publication: Publication, route: "here" | "bus"): void {
    if (this.#feed) this.#feed.receive(publication, route);
    else if (this.#early.length < maxEarly) this.#early.push(publication);
  }

  join(selection: Selection): Group {
    const present = this.groups.get(selection.key);
    if (present) return present;
    const { position, room } = this.#feed!;
    const { memberRevision } = room;
    const group = new Group(selection, {
      position,
      memberRevision,
      deliveries: this.#deliveries,
      ringBudget: this.#ringBudget,
    });
    this.groups.set(selection.key, group);
    return group;
  }

  /** One whose last reader is gone. */
  leave(group: Group): void {
    group.ring.close();
    if (this.groups.get(group.selection.key) === group) this.groups.delete(group.selection.key);
  }

  close(): void {
    this.#feed?.close();
    void this.#subscription.close();
  }
}

const userChannel = (userId: string) => `user:${derivedId("user", userId)}`;

export function userPublication(userId: string, revision: number): { channel: string; text: string } {
  return { channel: userChannel(userId), text: String(revision) };
}

/** A user whose memberships somebody on this node watches. */
export class WatchedUser {
  readonly listeners = new Set<(revision: number) => void>();
  readonly listening: Promise<boolean>;
  #revision = 0;
  readonly #subscription: BusSubscription;

  constructor({ userId, bus }: { userId: string; bus: Bus }) {
    this.#subscription = bus.subscribe(userChannel(userId), (text) => this.changed(Number(text)));
    this.listening = this.#subscription.acknowledged;
  }

  get revision(): number {
    return this.#revision;
  }

  /** The user's revision is less than it was: the database was restored from a backup. */
  reset(revision: number): void {
    this.#revision = revision;
    for (const listener of this.listeners) listener(revision);
  }

  /** The user's memberships changed with this revision. */
  changed(revision: number): void {
    if (!Number.isSafeInteger(revision) || revision <= this.#revision) return;
    this.#revision = revision;
    for (const listener of this.listeners) listener(revision);
  }

  close(): void {
    void this.#subscription.close();
  }
}
