import type { Clock } from "./clock.ts";
import { compareTexts } from "./compare-texts.ts";
import { createSortedList } from "./sorted-list.ts";

/** An event with its own cursor and that of the event before it in the room; none where it is the first. */
export interface ChainedEvent {
  cursor: string;
  previousCursor?: string | null;
}

/** Puts the events of one room into the order of their cursors, waiting for missing ones no longer than a limit. */
export interface EventChain<E extends ChainedEvent> {
  /** Everything up to here was released and nothing before it is missing. */
  readonly cursor: string | undefined;
  /** Releases the event at once unless one before it is missing. */
  take(event: E): void;
  /** Nothing is missing up to this position. */
  advance(cursor: string): void;
  /** Forgets the position and what waits. */
  reset(): void;
  /** Releases what waits and leaves no timer behind; nothing waits afterwards. */
  dispose(): void;
}

export interface EventChainOptions<E extends ChainedEvent> {
  clock: Clock;
  maxHoleMs: number;
  /** How many events wait, or are remembered behind a hole, at most. */
  maxWaiting: number;
  cursor?: string | undefined;
  /** Called with each event at least once. */
  release: (event: E) => void;
  /** Called once for each position after which something is missing, when the wait is over and all that waited was released. */
  onLate: (after: string) => void;
}

/**
 * While there is a hole the cursor stays before it, also after what waited was released, so that a resume from it
 * brings what is missing; the events behind the hole are remembered as links, and the cursor passes over them then.
 */
export function createEventChain<E extends ChainedEvent>(options: EventChainOptions<E>): EventChain<E> {
  const { clock, maxHoleMs, maxWaiting, release, onLate } = options;
  const links = createSortedList<{ event: E; isReleased: boolean }>((a, b) =>
    compareTexts(a.event.cursor, b.event.cursor),
  );
  let cursor = options.cursor;
  let lateAt: string | undefined;
  let isDisposed = false;
  let timer: unknown;

  function isNext(event: E): boolean {
    return cursor === undefined || event.previousCursor == null || event.previousCursor <= cursor;
  }

  function advance(to: string) {
    if (cursor === undefined || to > cursor) cursor = to;
    for (let first = links.first(); first && isNext(first.event); first = links.first()) {
      links.delete(first);
      if (!first.isReleased) release(first.event);
      if (first.event.cursor > cursor) cursor = first.event.cursor;
    }
    if (links.size === 0) stopTimer();
  }

  function link(event: E) {
    const isFull = links.size >= maxWaiting;
    // Once it is known that the hole does not fill by itself, nothing is gained by waiting. What finds no room is
    // brought again by the resume from the cursor.
    const isReleased = isFull || isDisposed || lateAt === cursor;
    if (isReleased) release(event);
    if (isFull) return;
    const twin = links.put({ event, isReleased });
    // The same change once more, perhaps in a later state.
    if (twin && !twin.isReleased) release(twin.event);
    if (!isReleased) timer ??= clock.setTimeout(endWait, maxHoleMs);
  }

  function endWait() {
    timer = undefined;
    if (!releaseAll() || cursor === undefined) return;
    lateAt = cursor;
    onLate(cursor);
  }

  function releaseAll(): boolean {
    const waiting = links.toArray().filter((item) => !item.isReleased);
    for (const item of waiting) {
      item.isReleased = true;
      release(item.event);
    }
    return waiting.length > 0;
  }

  function stopTimer() {
    clock.clearTimeout(timer);
    timer = undefined;
  }

  return {
    get cursor() {
      return cursor;
    },
    take(event) {
      if (!isNext(event)) return link(event);
      release(event);
      advance(event.cursor);
    },
    advance,
    reset() {
      stopTimer();
      for (const item of links.toArray()) links.delete(item);
      cursor = undefined;
      lateAt = undefined;
    },
    dispose() {
      isDisposed = true;
      stopTimer();
      releaseAll();
    },
  };
}
