import { parseCursor } from "../clock/cursors.ts";
import { compareTexts } from "./compare-texts.ts";
import type { RoomCountsFragment } from "./generated/operations.ts";
import { presenceAfter, type RoomEvent } from "./room-event.ts";
import { activityOf, isCountUnknown, isUnread, summaryAfter, type RoomSummary } from "./room-summary.ts";

export interface RoomListOptions {
  userId: string;
  maxRooms: number;
  /** Only the server knows what this room looks like, or how many messages are unread in it. */
  onUncertain: (roomId: string) => void;
  /** The room is as the server has it. */
  onCertain: (roomId: string) => void;
}

/**
 * `countedThrough`: the count holds what happened up to there; `doubtThrough`: of what happened after that and up to there it
 * is not known whether it does. `uncertainThrough`: the last event that made the count uncertain. `count`: which one it is.
 */
type Entry = {
  room: RoomSummary;
  countedThrough: string;
  doubtThrough: string;
  uncertainThrough: string;
  count: number;
};

/** So many events of a room are kept while something is being loaded; beyond it the room is asked for once more. */
const maxRecorded = 100;
/** After every cursor. */
const unbounded = "\u{10ffff}";

/** Rooms as the server gave them, with the events since then on top; also of events that came while the answer was on its way. */
export class RoomList {
  readonly #options: RoomListOptions;
  readonly #entries = new Map<string, Entry>();
  /** What happened while something was being loaded. */
  readonly #recorded = new Map<string, RoomEvent[]>();
  #loads = 0;
  #counts = 0;

  constructor(options: RoomListOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(roomId: string): RoomSummary | undefined {
    return this.#entries.get(roomId)?.room;
  }

  /** Latest activity first. */
  sorted(): RoomSummary[] {
    return Array.from(this.#entries.values(), ({ room }) => room).sort(byActivity);
  }

  ids(): string[] {
    return Array.from(this.#entries.keys());
  }

  delete(roomId: string): void {
    this.#entries.delete(roomId);
    this.#options.onCertain(roomId);
  }

  clear(): void {
    for (const roomId of this.ids()) this.delete(roomId);
    this.#recorded.clear();
  }

  take(event: RoomEvent): void {
    const { roomId } = parseCursor(event.cursor);
    if (this.#loads > 0) this.#record(roomId, event);
    if (presenceAfter(event, this.#options.userId) === "out") this.delete(roomId);
    else if (this.#entries.has(roomId)) this.#apply(roomId, event);
    else if (this.#loads === 0) this.#options.onUncertain(roomId);
  }

  /**
   * A room as the server gave it; what happened since then goes on top. The server reads the cursor first and the count some
   * time after that, so that events between the two may be counted already. Gives what ends that doubt: to be called with the
   * room's cursor as it was read after this answer.
   */
  put(room: RoomSummary): (cursor: string) => void {
    const { userId, maxRooms, onCertain, onUncertain } = this.#options;
    const later = (this.#recorded.get(room.id) ?? []).filter((event) => event.cursor > room.cursor);
    if (later.some((event) => presenceAfter(event, userId) === "out")) return ignore;
    const held = this.#entries.get(room.id);
    const isWhole = later[0] !== undefined && (later[0].previousCursor ?? "") <= room.cursor;
    if (held && held.room.cursor > room.cursor && !isWhole) {
      // What happened since then was not kept.
      onUncertain(room.id);
      return ignore;
    }
    const uncertainThrough = held?.uncertainThrough ?? "";
    const count = ++this.#counts;
    this.#entries.set(room.id, { room, ...countedOf(room), uncertainThrough, count });
    if (room.cursor >= uncertainThrough) onCertain(room.id);
    for (const event of later) this.#apply(room.id, event);
    if (this.size > maxRooms) this.delete(this.sorted().at(-1)!.id);
    return (cursor) => this.#seal(room.id, { cursor, count });
  }

  /** A newer count. */
  putCounts(counts: RoomCountsFragment): void {
    const { id, cursor, unreadCount } = counts;
    const entry = this.#entries.get(id);
    if (!entry || cursor < entry.room.cursor || cursor < entry.countedThrough) return;
    const count = ++this.#counts;
    this.#entries.set(id, { ...entry, room: { ...entry.room, unreadCount }, ...countedOf(counts), count });
    if (cursor >= entry.uncertainThrough) this.#options.onCertain(id);
  }

  /** Keeps what happens until `work` is done, so that rooms that it puts are not behind. */
  async whileLoading<T>(work: () => Promise<T>): Promise<T> {
    this.#loads++;
    try {
      return await work();
    } finally {
      this.#loads--;
      if (this.#loads === 0) this.#endRecording();
    }
  }

  #seal(roomId: string, { cursor, count }: { cursor: string; count: number }) {
    const entry = this.#entries.get(roomId);
    if (entry?.count !== count || cursor >= entry.doubtThrough) return;
    this.#entries.set(roomId, { ...entry, doubtThrough: cursor });
  }

  #apply(roomId: string, event: RoomEvent) {
    const { userId, onUncertain } = this.#options;
    const entry = this.#entries.get(roomId)!;
    if (event.cursor <= entry.room.cursor) return;
    const room = summaryAfter(entry.room, event, userId);
    if (event.cursor <= entry.countedThrough) {
      this.#entries.set(roomId, { ...entry, room });
      return;
    }
    const isMore = isUnread(event, userId);
    const isUncertain = isCountUnknown(room, event, userId) || (isMore && event.cursor <= entry.doubtThrough);
    const unreadCount = room.unreadCount + (isMore ? 1 : 0);
    const uncertainThrough = isUncertain ? event.cursor : entry.uncertainThrough;
    this.#entries.set(roomId, { ...entry, room: { ...room, unreadCount }, uncertainThrough });
    if (isUncertain) onUncertain(roomId);
  }

  #record(roomId: string, event: RoomEvent) {
    const events = this.#recorded.get(roomId) ?? [];
    this.#recorded.set(roomId, events);
    if (events.length < maxRecorded) events.push(event);
  }

  #endRecording() {
    for (const [roomId, events] of this.#recorded) {
      const isMissing = !this.#entries.has(roomId) && !this.#isLeftAfter(events);
      if (isMissing || events.length >= maxRecorded) this.#options.onUncertain(roomId);
    }
    this.#recorded.clear();
  }

  #isLeftAfter(events: readonly RoomEvent[]) {
    return events.reduce((isLeft, event) => {
      const where = presenceAfter(event, this.#options.userId);
      return where === undefined ? isLeft : where === "out";
    }, false);
  }
}

/** An unread message that came meanwhile would be in the count, were it there: where there is none there is no doubt. */
function countedOf({ cursor, unreadCount }: RoomCountsFragment) {
  return { countedThrough: cursor, doubtThrough: unreadCount === 0 ? cursor : unbounded };
}

function byActivity(a: RoomSummary, b: RoomSummary): number {
  const [first, second] = [activityOf(a), activityOf(b)];
  return compareTexts(second, first) || compareTexts(a.id, b.id);
}

function ignore() {}
