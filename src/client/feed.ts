import { parseCursor } from "../clock/cursors.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { InboxDocument, SyncDocument, type InboxSubscription } from "./generated/operations.ts";
import { createVariable, type Observable } from "./observable.ts";
import { OperationError } from "./operation-error.ts";
import { presenceAfter, type RoomEvent } from "./room-event.ts";
import type { SyncPosition } from "./sync-position.ts";
import { withResolvers } from "./with-resolvers.ts";

/** `waiting`: for a connection. */
export type FeedPhase = "waiting" | "catching up" | "live";

export interface FeedOptions {
  userId: string;
  position: SyncPosition;
  clock: Clock;
  /** Each change of each room once and in the room's order; the position moves when it returns. */
  deliver: (events: readonly RoomEvent[]) => void;
  /** The server's log is not the one that the position was in: what is held of the rooms is of no use. */
  onReset: () => void;
  onFault: (error: unknown) => void;
  /** Away for longer, it reads pages at its own pace before it subscribes. */
  pagesAfterMs: number;
  pageSize: number;
  /** So long nothing may come while catching up. */
  stallMs?: number;
}

/**
 * The changes of all of the viewer's rooms over one subscription, resumed over each connection from the newest cursors.
 * What it finds missing it reads again.
 */
export class Feed {
  readonly phase: Observable<FeedPhase>;
  /** Whether every change from now on will be delivered, now or later: what is read from now on misses nothing. */
  readonly isAnchored: Observable<boolean>;
  readonly #phase = createVariable<FeedPhase>("waiting");
  readonly #isAnchored = createVariable(false);
  readonly #options: FeedOptions;
  #liveUntilMs = Number.NEGATIVE_INFINITY;
  #lostAfter: string | undefined;
  #followed: Connection | undefined;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.phase = this.#phase;
    this.isAnchored = this.#isAnchored;
  }

  /** Over this connection until it ends; a failure ends it, and its successor begins anew. */
  async follow(connection: Connection): Promise<void> {
    this.#followed = connection;
    try {
      this.#phase.set("catching up");
      const { position, clock, pagesAfterMs } = this.#options;
      await position.load();
      this.#isAnchored.set(position.cursors !== undefined);
      if (clock.now() - this.#liveUntilMs > pagesAfterMs) await this.#readPages(connection);
      while (connection.isOpen) await this.#subscribe(connection);
    } catch (error) {
      if (connection.isOpen) callSafely(this.#options.onFault, error);
      connection.close(error instanceof Error ? error.message : "The feed failed.");
    } finally {
      // Its successor may be followed already.
      if (this.#followed === connection) {
        if (this.#phase.get() === "live") this.#liveUntilMs = this.#options.clock.now();
        this.#phase.set("waiting");
      }
    }
  }

  async #readPages(connection: Connection) {
    const { position, clock, pageSize, stallMs = 60_000 } = this.#options;
    for (let hasMore = true; hasMore && position.cursors !== undefined;) {
      const variables = { after: position.cursors, first: pageSize };
      try {
        const ask = (signal: AbortSignal) => connection.execute(SyncDocument, variables, signal);
        const { sync } = await withDeadline({ clock, timeoutMs: stallMs }, ask);
        const lostAfter = this.#take(sync.events);
        if (lostAfter === undefined) position.advance(sync.cursors);
        else await this.#noteLoss(lostAfter);
        hasMore = sync.hasMore || lostAfter !== undefined;
      } catch (error) {
        if (!isReset(error)) throw error;
        await this.#reset();
      }
    }
  }

  /** Until something was missing or the log is another one: then it wants to be called again. @throws where it ended otherwise */
  async #subscribe(connection: Connection): Promise<void> {
    const { position, clock, stallMs = 60_000 } = this.#options;
    const lost = withResolvers<string>();
    const after = position.cursors;
    let isOver = false;
    let timer: unknown;
    const noteProgress = () => {
      clock.clearTimeout(timer);
      if (this.#phase.get() === "live") return;
      timer = clock.setTimeout(() => lost.reject(new Error("The catch-up came to a halt.")), stallMs);
    };
    const stop = connection.subscribe(
      InboxDocument,
      { after: after ?? null },
      {
        next: ({ inbox }) => {
          if (isOver) return;
          const lostAfter = this.#next(inbox);
          noteProgress();
          isOver = lostAfter !== undefined;
          if (lostAfter !== undefined) lost.resolve(lostAfter);
        },
        error: lost.reject,
        complete: () => lost.reject(new Error("The server ended the feed.")),
      },
    );
    noteProgress();
    try {
      const lostAfter = await lost.promise;
      this.#phase.set("catching up");
      await this.#noteLoss(lostAfter);
    } catch (error) {
      // Without a position there is nothing that could be dropped. One that it got since counts: the log may go back meanwhile.
      if (position.cursors === undefined || !isReset(error)) throw error;
      await this.#reset();
    } finally {
      stop();
      clock.clearTimeout(timer);
    }
  }

  /** What is missing is read again once; when it does not come then, everything is loaded anew. */
  async #noteLoss(after: string) {
    callSafely(this.#options.onFault, new Error(`Something was lost after ${after}.`));
    if (this.#lostAfter === after) await this.#reset();
    this.#lostAfter = after;
  }

  async #reset() {
    const { position, onReset } = this.#options;
    this.#lostAfter = undefined;
    this.#phase.set("catching up");
    this.#isAnchored.set(false);
    await position.reset();
    callSafely(onReset);
  }

  /** Gives the position after which something is missing. */
  #next(item: InboxSubscription["inbox"]): string | undefined {
    if (item.__typename !== "CaughtUp") return this.#take([item]);
    this.#options.position.advance(item.cursors);
    this.#lostAfter = undefined;
    this.#isAnchored.set(true);
    this.#phase.set("live");
    return undefined;
  }

  /** Delivers what is new, up to the first event before which something is missing; then gives the position before that. */
  #take(events: readonly RoomEvent[]): string | undefined {
    const { position, deliver } = this.#options;
    const newest = new Map<string, string>();
    const fresh: RoomEvent[] = [];
    let lostAfter: string | undefined;
    for (const event of events) {
      const { roomId } = parseCursor(event.cursor);
      const held = newest.get(roomId) ?? position.of(roomId);
      if (held !== undefined && event.cursor <= held) continue;
      if (held !== undefined && event.previousCursor !== null && event.previousCursor > held) lostAfter = held;
      if (lostAfter !== undefined) break;
      newest.set(roomId, event.cursor);
      fresh.push(event);
    }
    if (fresh.length === 0) return lostAfter;
    callSafely(deliver, fresh);
    position.advance(fresh.map(({ cursor }) => cursor));
    this.#forgetLeft(fresh);
    return lostAfter;
  }

  /** Nothing follows of a room that the user left; should the user come back, it begins with that. */
  #forgetLeft(events: readonly RoomEvent[]) {
    const { position, userId } = this.#options;
    const left = new Set<string>();
    for (const event of events) {
      const where = presenceAfter(event, userId);
      if (where === "out") left.add(event.room.id);
      if (where === "in") left.delete(event.room.id);
    }
    if (left.size > 0) position.keep((roomId) => !left.has(roomId));
  }
}

/** INVALID: what was kept of the cursors is none. */
function isReset(error: unknown): boolean {
  return error instanceof OperationError && (error.code === "CURSOR_RESET" || error.code === "INVALID");
}
