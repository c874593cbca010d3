import { cursorReset, type Refusal } from "../errors.ts";
import type { RoomEvent } from "./changes.ts";
import { formatCursor } from "./cursor.ts";
import type { FollowedRooms } from "./followed-rooms.ts";
import type { Hub } from "./hub.ts";
import type { RoomPage } from "./room-page.ts";
import { Patience } from "./patience.ts";
import { Reader, type CatchUpReason, type ReaderOwner } from "./reader.ts";
import type { Selection, Viewer } from "./selection.ts";
import type { Sink } from "./sink.ts";

/**
 * Where a subscription begins in one room. `held` is the newest cursor that the client has of it, 0 for none;
 * `memberThrough` the newest revision at which the viewer is known to have been a member.
 */
export type Start = {
  roomId: string;
  position: number;
  held: number;
  memberThrough: number;
  /** Why it will read the database, where it has to. */
  reason: CatchUpReason;
};

/** An event of a page. */
type Due = { event: RoomEvent; page: RoomPage };

const catchUpPageSize = 100;

/** Responses that are made together: few, so that little is held of what the client does not take. */
const mostAtOnce = 10;
/** And so few that together they cost no more than this, if one alone does not: nobody else is served meanwhile. */
const costAtOnce = 10_000;

/**
 * The rooms of one subscription: brings each from its position to live, by pages of the database and the group's ring,
 * and again whenever the client or the node fell behind. Its client gets each room's events in the order of the log,
 * none twice, none left out.
 */
export class Subscription implements ReaderOwner {
  readonly viewer: Viewer;
  readonly sink: Sink;
  readonly selection: Selection;
  readonly #hub: Hub;
  readonly #followed: FollowedRooms;
  readonly #readers = new Map<string, Reader>();
  readonly #patience: Patience;
  readonly #onLeft: (roomId: string, revision: number) => void;
  readonly #notMember: () => Refusal;
  readonly #eventsAtOnce: number;
  #working = false;
  #caughtUp = false;
  #closed = false;

  constructor(options: {
    hub: Hub;
    followed: FollowedRooms;
    viewer: Viewer;
    sink: Sink;
    selection: Selection;
    /** Of one event. */
    cost: number;
    onLeft: (roomId: string, revision: number) => void;
    /** What it ends with where the viewer has no membership any more, not even an ended one. */
    notMember: () => Refusal;
  }) {
    this.#hub = options.hub;
    this.#followed = options.followed;
    this.#patience = new Patience(options.hub.onFault);
    this.viewer = options.viewer;
    this.sink = options.sink;
    this.selection = options.selection;
    this.#onLeft = options.onLeft;
    this.#notMember = options.notMember;
    this.#eventsAtOnce = Math.max(1, Math.min(mostAtOnce, Math.floor(costAtOnce / options.cost)));
  }

  get roomIds(): string[] {
    return [...this.#readers.keys()];
  }

  has(roomId: string): boolean {
    return this.#readers.has(roomId);
  }

  /**
   * The rooms must be watched already; the subscription releases them.
   * @throws Refusal CURSOR_RESET where the log of one went back meanwhile, RATE_LIMITED where the viewer follows too many; then
   *   none was added
   */
  add(starts: Start[]): void {
    if (starts.some(({ roomId }) => !this.#hub.watchOf(roomId))) throw cursorReset(["after"]);
    this.#followed.take(this.viewer.id, starts.length);
    for (const start of starts) {
      const group = this.#hub.joinGroup(start.roomId, this.selection);
      this.#readers.set(start.roomId, new Reader({ owner: this, group, ...start }));
    }
  }

  /** Brings what is behind to live; `CaughtUp` follows the first time. */
  fellBehind(): void {
    if (this.#working || this.#closed) return;
    this.#working = true;
    this.#work().catch((fault: unknown) => this.#fail(fault));
  }

  reset(): void {
    this.#fail(cursorReset(["after"]));
  }

  left(reader: Reader): void {
    // One who closed meanwhile has released it already.
    if (!this.#readers.delete(reader.roomId)) return;
    this.#release(reader);
    this.#onLeft(reader.roomId, reader.position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const reader of this.#readers.values()) this.#release(reader);
    this.#readers.clear();
  }

  async #work(): Promise<void> {
    // Not in the middle of a delivery to the group's readers.
    await Promise.resolve();
    while (!this.#closed) {
      const behind = [...this.#readers.values()].filter((reader) => reader.isCatchingUp);
      if (behind.length === 0) break;
      if (!(await this.#drained())) return;
      const unread = behind.filter((reader) => reader.isCatchingUp && !reader.isLevel);
      if (unread.length > 0) await this.#tryPages(unread);
      else for (const reader of behind) if (reader.isCatchingUp && reader.isLevel) reader.goLive();
    }
    this.#working = false;
    if (!this.#closed && !this.#caughtUp) this.#announce();
  }

  async #drained(): Promise<boolean> {
    if (!this.sink.overloaded) return true;
    this.#hub.metrics.slowConsumer();
    if (await resolvesWithin(this.sink.drained(), this.#hub.drainTimeoutMs)) return !this.#closed;
    this.#hub.metrics.tooSlow();
    this.sink.tooSlow();
    this.close();
    return false;
  }

  async #tryPages(readers: Reader[]): Promise<void> {
    try {
      await this.#hub.catchUp(this.viewer.id, () => this.#readPages(readers));
      this.#patience.succeeded();
    } catch (fault) {
      await this.#patience.failed(fault);
    }
  }

  // Others of the same client may have filled what it may keep waiting, while this one waited for its turn.
  async #readPages(readers: Reader[]): Promise<void> {
    if (this.#closed || this.sink.overloaded) return;
    for (const reader of readers) {
      const reason = reader.takeReason();
      if (reason) this.#hub.metrics.catchUp(reason);
    }
    const after = readers.map(({ roomId, position }) => ({ roomId, revision: position }));
    const { pages, more } = await this.#hub.readForMember({
      userId: this.viewer.id,
      after,
      limit: catchUpPageSize,
      kinds: this.selection.kinds,
    });
    if (pages.some((page) => page.leftRevision === null && page.bound < page.after)) throw cursorReset(["after"]);
    // They were erased, or the database is older than the subscription.
    if (pages.length < readers.length && !more) throw this.#notMember();
    for (const page of pages) if (page.changes.length === 0) this.#end(page);
    await this.#give(pages.flatMap((page) => this.#events(page)));
  }

  #events(page: RoomPage): Due[] {
    const held = this.#readers.get(page.roomId)?.held ?? 0;
    return page.changes.map((change, index) => {
      const previous = page.changes[index - 1]?.revision ?? (held === 0 ? null : held);
      return { event: { ...change, roomId: page.roomId, previous }, page };
    });
  }

  /** Stops where the client has enough for now: its readers go on after the last event that they were given. */
  async #give(due: Due[]): Promise<void> {
    const execution = this.selection.begin({ users: [], messages: [], rooms: [] });
    for (let start = 0; start < due.length; start += this.#eventsAtOnce) {
      if (start > 0) await othersServed();
      if (this.#closed || this.sink.overloaded) return;
      const slice = due.slice(start, start + this.#eventsAtOnce);
      const executed = await Promise.all(slice.map(async ({ event }) => execution.run(event, this.viewer)));
      for (const [index, { payload, fault }] of executed.entries()) {
        if (this.#closed || this.sink.overloaded) return;
        if (fault !== undefined) throw fault;
        this.sink.next(payload);
        this.#given(slice[index]!);
      }
    }
  }

  #given({ event, page }: Due): void {
    this.#hub.metrics.eventsOut("catch-up", 1);
    this.#readers.get(page.roomId)?.given(event.revision);
    // At once: one who was told of their own removal must not go on from there.
    if (event.revision === page.changes.at(-1)!.revision) this.#end(page);
  }

  /** Everything in the page was given. */
  #end(page: RoomPage): void {
    const reader = this.#readers.get(page.roomId);
    if (!reader) return;
    reader.advance(page.through);
    if (page.leftRevision !== null && page.complete) this.left(reader);
  }

  #announce(): void {
    this.#caughtUp = true;
    const readers = [...this.#readers.values()];
    for (const reader of readers) reader.hold();
    const cursors = readers.map(({ roomId, position }) => formatCursor(roomId, position));
    const executed = this.selection
      .begin({ users: [], messages: [], rooms: [] })
      .run({ type: "CaughtUp", cursors }, this.viewer);
    // Its fields are plain, so it comes at once and nothing live can come before it.
    if (executed instanceof Promise) throw new Error("CaughtUp must not load anything.");
    this.sink.next(executed.payload);
  }

  #fail(fault: unknown): void {
    if (this.#closed) return;
    this.close();
    this.sink.fail(fault);
  }

  #release(reader: Reader): void {
    reader.close();
    this.#followed.giveBack(this.viewer.id, 1);
    this.#hub.leaveGroup(reader.roomId, reader.group);
  }
}

/** What came for others in the meantime was looked at. */
const othersServed = () => new Promise(setImmediate);

async function resolvesWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
