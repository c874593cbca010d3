import { cursorReset } from "../errors.ts";
import type { RoomEvent } from "./changes.ts";
import { formatCursor } from "./cursor.ts";
import type { Hub } from "./hub.ts";
import type { RoomPage } from "./room-page.ts";
import { Patience } from "./patience.ts";
import { Reader, type CatchUpReason, type ReaderOwner } from "./reader.ts";
import type { Executed, Selection, Viewer } from "./selection.ts";
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

export const catchUpPageSize = 100;

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
  readonly #readers = new Map<string, Reader>();
  readonly #patience: Patience;
  readonly #onLeft: (roomId: string, revision: number) => void;
  #working = false;
  #caughtUp = false;
  #closed = false;

  constructor(options: {
    hub: Hub;
    viewer: Viewer;
    sink: Sink;
    selection: Selection;
    onLeft: (roomId: string, revision: number) => void;
  }) {
    this.#hub = options.hub;
    this.#patience = new Patience(options.hub.onFault);
    this.viewer = options.viewer;
    this.sink = options.sink;
    this.selection = options.selection;
    this.#onLeft = options.onLeft;
  }

  get roomIds(): string[] {
    return [...this.#readers.keys()];
  }

  has(roomId: string): boolean {
    return this.#readers.has(roomId);
  }

  /**
   * The rooms must be watched already; the subscription releases them.
   * @throws Refusal CURSOR_RESET where the log of one went back meanwhile; then none was added
   */
  add(starts: Start[]): void {
    if (starts.some(({ roomId }) => !this.#hub.watchOf(roomId))) throw cursorReset(["after"]);
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
      await this.#readPages(readers);
      this.#patience.succeeded();
    } catch (fault) {
      await this.#patience.failed(fault);
    }
  }

  async #readPages(readers: Reader[]): Promise<void> {
    for (const reader of readers) {
      const reason = reader.takeReason();
      if (reason) this.#hub.metrics.catchUp(reason);
    }
    const after = readers.map(({ roomId, position }) => ({ roomId, revision: position }));
    const { pages } = await this.#hub.readForMember({
      userId: this.viewer.id,
      after,
      limit: catchUpPageSize,
      kinds: this.selection.kinds,
    });
    const execution = this.selection.begin({ users: [], messages: [], rooms: [] });
    const executed = await Promise.all(
      pages.map((page) => Promise.all(this.#events(page).map(async (event) => execution.run(event, this.viewer)))),
    );
    for (const { fault } of executed.flat()) if (fault !== undefined) throw fault;
    if (this.#closed) return;
    pages.forEach((page, index) => this.#give(page, executed[index]!));
  }

  #events(page: RoomPage): RoomEvent[] {
    const held = this.#readers.get(page.roomId)?.held ?? 0;
    return page.changes.map((change, index) => {
      const previous = page.changes[index - 1]?.revision ?? (held === 0 ? null : held);
      return { ...change, roomId: page.roomId, previous };
    });
  }

  #give(page: RoomPage, executed: Executed[]): void {
    const reader = this.#readers.get(page.roomId);
    if (!reader) return;
    if (page.leftRevision === null && page.bound < page.after) throw cursorReset(["after"]);
    for (const { payload } of executed) this.sink.next(payload);
    this.#hub.metrics.eventsOut("catch-up", executed.length);
    reader.advance(page);
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
    this.#hub.leaveGroup(reader.roomId, reader.group);
  }
}

async function resolvesWithin(promise: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
  const inTime = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}
