import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { compareTexts } from "./compare-texts.ts";
import { createEventChain, type ChainedEvent } from "./event-chain.ts";
import { createComputed, type Observable } from "./observable.ts";
import { createSortedList } from "./sorted-list.ts";

/** What the buffer needs to know of a message of the server; all cursors are of one room and compare as texts. */
export interface BufferedMessage {
  id: string;
  clientMessageId: string;
  position: string;
  version: string;
}

/** A message that the user has written and the server has not confirmed: it has no position yet. */
export interface OptimisticMessage {
  clientMessageId: string;
  position?: undefined;
}

/** An event of the room's feed or of a sync page, whatever it is about: each moves the cursor. */
export interface BufferedEvent<M> extends ChainedEvent {
  message?: M;
}

/** The limits of a buffer: a hole is waited for 2 s, 10,000 messages are held and 1,000 events may wait unless given. */
export interface OrderedMessageBufferOptions<M> {
  /** Whether the viewer sent this message: only then does it confirm an optimistic one. */
  isOwn: (message: M) => boolean;
  /** The position that the app kept from before, to go on from. */
  cursor?: string;
  /** How long an event waits for a missing one before it. */
  maxHoleMs?: number;
  /** How many events wait, or are remembered behind a hole, at most; beyond it their messages show at once. */
  maxWaiting?: number;
  /** Beyond it a live message pushes the oldest one out, which can be loaded again as a page. */
  maxMessages?: number;
  clock?: Clock;
  /** Something is missing after this position and has not come in time: read again from there, and `take` what comes. */
  onHole?: (hole: { after: string }) => void;
}

/**
 * The messages of one room as one list: those of the server in room order, each once and in its newest version, then the
 * optimistic ones in the order in which they were written. Pages, live events, sync pages and answers come in any order
 * and any number of times. O(log n) an insert; the list is an array of its own for each change, made when it is read.
 */
export class OrderedMessageBuffer<M extends BufferedMessage, O extends OptimisticMessage = OptimisticMessage> {
  readonly messages: Observable<readonly (M | O)[]>;
  readonly #isOwn: (message: M) => boolean;
  readonly #maxMessages: number;
  #sorted = createSortedList<M>(byPosition);
  readonly #byId = new Map<string, M>();
  readonly #confirmed = new Set<string>();
  readonly #list = createComputed(() => this.#compute());
  readonly #chain;
  #optimistic: readonly O[] = [];
  /** The list is whole from this position on; empty: from the room's beginning; undefined: no page was loaded yet. */
  #floor: string | undefined;
  #isChanged = false;

  constructor(options: OrderedMessageBufferOptions<M>) {
    const { isOwn, maxMessages = 10_000, maxHoleMs = 2_000, maxWaiting = 1_000, clock = systemClock } = options;
    this.messages = this.#list;
    this.#isOwn = isOwn;
    this.#maxMessages = maxMessages;
    this.#chain = createEventChain<BufferedEvent<M>>({
      clock,
      maxHoleMs,
      maxWaiting,
      cursor: options.cursor,
      release: (event) => this.#put(event.message),
      onLate: (after) => {
        this.#tell();
        callSafely(options.onHole, { after });
      },
    });
  }

  /** Everything up to here was taken in, without a hole: the position to resume from. Undefined before the first one. */
  get cursor(): string | undefined {
    return this.#chain.cursor;
  }

  /** Whether the list begins with the room's first message: there are no older pages. */
  get reachesStart(): boolean {
    return this.#floor === "";
  }

  /**
   * A page of history that joins what is there: the newest one first, then older ones. `cursor` is the room's, read with
   * the newest page; it counts where there is none yet. Of an older message than these only a page brings news.
   */
  addPage(page: { messages: readonly M[]; reachesStart: boolean; cursor?: string }): void {
    const start = page.messages.reduce<string | undefined>(olderPosition, undefined);
    if (this.#floor === undefined && !page.reachesStart && start !== undefined) this.#dropBefore(start);
    if (page.reachesStart) this.#floor = "";
    else if (start !== undefined && (this.#floor === undefined || start < this.#floor)) this.#floor = start;
    for (const message of page.messages) this.#put(message);
    if (this.#chain.cursor === undefined && page.cursor !== undefined) this.#chain.advance(page.cursor);
    this.#tell();
  }

  /** Events of the feed or of a sync page, of the same kinds throughout. None waits unless one before it is missing. */
  take(events: readonly BufferedEvent<M>[]): void {
    const allowed = Math.max(this.#maxMessages, this.#sorted.size);
    for (const event of events) this.#chain.take(event);
    while (this.#sorted.size > allowed) this.#dropOldest();
    this.#tell();
  }

  /** The answer to a mutation: its message shows at once and moves no cursor. */
  put(message: M): void {
    this.#put(message);
    this.#tell();
  }

  /** What a message shows of others changed: `change` gives it as it is now, or the same one. */
  update(change: (message: M) => M): void {
    for (const held of this.#byId.values()) {
      const next = change(held);
      if (next === held) continue;
      this.#byId.set(next.id, next);
      this.#sorted.put(next);
      this.#isChanged = true;
    }
    this.#tell();
  }

  /** The server said `CaughtUp`: nothing is missing up to here. */
  caughtUp(cursor: string): void {
    this.#chain.advance(cursor);
    this.#tell();
  }

  /** All messages that wait for their confirmation, in the order in which they were written. */
  setOptimistic(messages: readonly O[]): void {
    this.#optimistic = messages;
    this.#isChanged = true;
    this.#tell();
  }

  /** Forgets the room's log (`CURSOR_RESET`), not the optimistic messages. */
  clear(): void {
    this.#chain.reset();
    this.#byId.clear();
    this.#confirmed.clear();
    this.#sorted = createSortedList<M>(byPosition);
    this.#floor = undefined;
    this.#isChanged = true;
    this.#tell();
  }

  /** Shows what waits and leaves no timer behind; what is taken afterwards does not wait. */
  dispose(): void {
    this.#chain.dispose();
    this.#tell();
  }

  #put(message: M | undefined) {
    if (!message) return;
    const held = this.#byId.get(message.id);
    if (held ? message.version <= held.version : this.#isBeforeFloor(message)) return;
    if (held && held.position !== message.position) this.#sorted.delete(held);
    this.#byId.set(message.id, message);
    this.#sorted.put(message);
    if (this.#isOwn(message)) this.#confirmed.add(message.clientMessageId);
    this.#isChanged = true;
  }

  #isBeforeFloor(message: M) {
    return this.#floor !== undefined && message.position < this.#floor;
  }

  #dropOldest() {
    const oldest = this.#sorted.first();
    if (!oldest) return;
    this.#sorted.delete(oldest);
    this.#byId.delete(oldest.id);
    if (this.#isOwn(oldest)) this.#confirmed.delete(oldest.clientMessageId);
    this.#floor = this.#sorted.first()?.position;
    this.#isChanged = true;
  }

  #dropBefore(position: string) {
    for (let oldest = this.#sorted.first(); oldest && oldest.position < position; oldest = this.#sorted.first()) {
      this.#dropOldest();
    }
  }

  #tell() {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#list.changed();
  }

  #compute(): readonly (M | O)[] {
    const waiting = this.#optimistic.filter((message) => !this.#confirmed.has(message.clientMessageId));
    const confirmed: (M | O)[] = this.#sorted.toArray();
    return waiting.length === 0 ? confirmed : confirmed.concat(waiting);
  }
}

function byPosition(a: BufferedMessage, b: BufferedMessage): number {
  // The server gives each message a position of its own; were it not so, none may be lost.
  return compareTexts(a.position, b.position) || compareTexts(a.id, b.id);
}

function olderPosition(oldest: string | undefined, message: BufferedMessage): string {
  return oldest === undefined || message.position < oldest ? message.position : oldest;
}
