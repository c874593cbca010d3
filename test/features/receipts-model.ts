import { expect } from "vitest";

export const userIds = ["alice", "bob", "carol", "dave"] as const;
export type UserId = (typeof userIds)[number];

type Message = { id: string; sender: UserId; position: number; deleted: boolean };
/** True time, between two readings of the clock, and the time that was shown last. All move as time is made to pass. */
type Read = { fromMs: number; throughMs: number; shownMs: number };
type Told = { cursor: string; ranges?: { reader: { id: string }; from: string; through: string; readAt: string }[] };

const maxEarlierMs = 60_000;
const revisionOf = (cursor: string) => Number(cursor.split(".")[1]);
const keyOf = (userId: string, id: string) => `${userId} ${id}`;

/** Who has read what in one room, kept as plainly as can be. */
export class ReadingModel {
  readonly messages: Message[] = [];
  readonly #reads = new Map<string, Read>();
  /** How many messages there were when the member joined; none of those who are away. */
  readonly #joined = new Map<UserId, number>(userIds.map((userId) => [userId, 0]));
  readonly #elapses: { seconds: number; revision: number }[] = [];

  send(id: string, sender: UserId, position: number): void {
    this.messages.push({ id, sender, position, deleted: false });
  }

  isMember(userId: UserId): boolean {
    return this.#joined.has(userId);
  }

  leaveOrJoin(userId: UserId): void {
    if (!this.#joined.delete(userId)) this.#joined.set(userId, this.messages.length);
  }

  /** The reader marked these messages between two times. Whether that was news. */
  read(userId: UserId, indexes: number[], [fromMs, throughMs]: [number, number]): boolean {
    const before = this.#reads.size;
    for (const index of indexes) {
      const { id, sender } = this.messages[index]!;
      const key = keyOf(userId, id);
      if (sender !== userId && !this.#reads.has(key))
        this.#reads.set(key, { fromMs, throughMs, shownMs: Number.MAX_SAFE_INTEGER });
    }
    return this.#reads.size > before;
  }

  elapse(seconds: number, revision: number): void {
    this.#elapses.push({ seconds, revision });
    for (const read of this.#reads.values()) {
      read.fromMs -= seconds * 1_000;
      read.throughMs -= seconds * 1_000;
      read.shownMs -= seconds * 1_000;
    }
  }

  readersOf(id: string): string[] {
    return userIds.filter((userId) => this.#reads.has(keyOf(userId, id))).sort();
  }

  unreadCount(userId: UserId): number {
    return this.#sinceJoin(userId).filter((message) => this.#isUnread(userId, message)).length;
  }

  readThrough(userId: UserId): string | null {
    const since = this.#sinceJoin(userId);
    const firstUnread = since.findIndex((message) => this.#isUnread(userId, message));
    return since[firstUnread === -1 ? since.length - 1 : firstUnread - 1]?.id ?? null;
  }

  /** A time is at most a minute before the true one, and never moves to a later one. */
  checkTime(userId: UserId, id: string, shownMs: number): void {
    const read = this.#reads.get(keyOf(userId, id))!;
    expect(shownMs).toBeGreaterThan(read.fromMs - maxEarlierMs);
    expect(shownMs).toBeLessThanOrEqual(Math.min(read.throughMs, read.shownMs));
    read.shownMs = shownMs;
  }

  /** What a client that was given these events, in their order, holds for read by whom and when. */
  told(events: Told[]): Map<string, number> {
    const held = new Map<string, number>();
    for (const { ranges = [] } of events) {
      for (const { reader, from, through, readAt } of ranges) {
        const readMs = Date.parse(readAt);
        for (const { id, sender, position } of this.messages) {
          const isInRange = position >= revisionOf(from) && position <= revisionOf(through);
          if (isInRange && sender !== reader.id) held.set(keyOf(reader.id, id), readMs);
        }
      }
    }
    return held;
  }

  /** An event that came live, as it would be told now that time was made to pass since. */
  aged<Event extends Told>(event: Event): Event {
    const passed = this.#elapses.filter(({ revision }) => revision >= revisionOf(event.cursor));
    const passedMs = passed.reduce((sum, { seconds }) => sum + seconds * 1_000, 0);
    const ageOf = (readAt: string) => new Date(Date.parse(readAt) - passedMs).toISOString();
    return { ...event, ranges: event.ranges?.map((range) => ({ ...range, readAt: ageOf(range.readAt) })) };
  }

  #sinceJoin(userId: UserId): Message[] {
    return this.messages.slice(this.#joined.get(userId));
  }

  #isUnread(userId: UserId, { id, sender, deleted }: Message): boolean {
    return sender !== userId && !deleted && !this.#reads.has(keyOf(userId, id));
  }
}
