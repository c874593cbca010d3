import type { ChangeKind, MessageRow, RoomRow, UserRow, Change } from "./changes.ts";
import { kindOf } from "./changes.ts";
import type { Gap, KindRevisions, LogStore, RoomHead } from "./log.store.ts";
import { fromDatabase, originOf, type Origin } from "./origin.ts";
import type { Publication } from "./publication.ts";

/** A change on its way to the groups. `before` is the last revision of each kind before it, as far as readers were told. */
export type FeedChange = Change & { roomId: string; before: KindRevisions; origin: Origin };

/** From after one position through another. */
export type Stretch = { after: number; through: number };

/** Changes that came together, and what is known besides. */
export type FeedBatch = {
  changes: FeedChange[];
  users: UserRow[];
  messages: MessageRow[];
  /** The room as of the batch. */
  room: RoomRow;
  /**
   * Where the batch was read from the database: what changed twice between the two is in it once, so that it completes
   * only who stands at its beginning. Null for what came over the bus, which has every change.
   */
  stretch: Stretch | null;
  /**
   * Members who left in the batch or before the snapshot it was read in: it may hold later states than they may see, so
   * they are served by reads of their own. Empty for what came over the bus.
   */
  leavers: ReadonlySet<string>;
};

export type RoomFeedOptions = {
  head: RoomHead;
  store: Pick<LogStore, "readForNode">;
  onBatch: (batch: FeedBatch) => void;
  /** Whether a publication that is missing may still come. */
  isBusUp: () => boolean;
  onGap: () => void;
  /** The database has less of the room than was handed on: it was restored from a backup. Nothing more comes of this feed. */
  onBack: () => void;
  /** What was handed on before was published again: by the bus, or because the log went back and took the revision again. */
  onDoubled: (route: "here" | "bus") => void;
  onFault: (fault: unknown) => void;
  holeTimeoutMs?: number;
};

type Arrived = { publication: Publication; route: "here" | "bus" };

const gapPageSize = 500;
const maxPending = 256;
const maxRetryMs = 1_000;

/**
 * One room's log as a node follows it: takes revision n + 1 after n, whatever the bus loses, doubles or reorders. An
 * older publication is an echo. A newer one waits a moment for the hole before it; then one read of the database, shared
 * by all who wait, fills it.
 */
export class RoomFeed {
  readonly roomId: string;
  #position: number;
  /** The newest revision that came from the database: publications up to here may come late. */
  #readThrough: number;
  #room: RoomRow;
  #last: KindRevisions;
  /** The newest revision heard of. */
  #heard: number;
  #pending = new Map<number, Arrived>();
  #hole: NodeJS.Timeout | undefined;
  #filling = false;
  #closed = false;
  readonly #options: RoomFeedOptions;

  constructor(options: RoomFeedOptions) {
    const { room, last } = options.head;
    this.#options = options;
    this.roomId = room.id;
    this.#room = room;
    this.#position = room.revision;
    this.#readThrough = room.revision;
    this.#heard = room.revision;
    this.#last = { ...last };
  }

  /** Everything up to here was handed on. */
  get position(): number {
    return this.#position;
  }

  /** The room as of the position. */
  get room(): RoomRow {
    return this.#room;
  }

  receive(publication: Publication, route: "here" | "bus"): void {
    if (this.#closed) return;
    const from = publication.changes[0]!.revision;
    const through = publication.changes.at(-1)!.revision;
    if (through <= this.#position) {
      if (from > this.#readThrough) this.#options.onDoubled(route);
      return;
    }
    this.#heard = Math.max(this.#heard, through);
    if (from === this.#position + 1 && !this.#filling) {
      this.#apply({ publication, route });
      this.#applyPending();
    } else if (this.#pending.size < maxPending) {
      this.#pending.set(from, { publication, route });
    }
    if (this.#pending.size > 0 || this.#heard > this.#position) this.#awaitHole();
    else this.#cancelHole();
  }

  /** The database has this revision: what is missing is late, or lost. */
  expect(revision: number): void {
    if (this.#closed || revision <= this.#position) return;
    this.#heard = Math.max(this.#heard, revision);
    this.#awaitHole();
  }

  close(): void {
    this.#closed = true;
    this.#cancelHole();
    this.#pending.clear();
  }

  #apply({ publication, route }: Arrived): void {
    const { changes, users, messages, room } = publication;
    this.#position = changes.at(-1)!.revision;
    if (room) this.#room = room;
    const origin = originOf(publication, route);
    this.#emit(changes, { users, messages, stretch: null, leavers: new Set(), origin });
  }

  #applyPending(): void {
    for (;;) {
      const next = this.#pending.get(this.#position + 1);
      if (!next) break;
      this.#pending.delete(this.#position + 1);
      this.#apply(next);
    }
    for (const [from, { publication }] of this.#pending) {
      if (publication.changes.at(-1)!.revision <= this.#position) this.#pending.delete(from);
    }
  }

  #emit(
    changes: Change[],
    { origin, ...more }: Pick<FeedBatch, "users" | "messages" | "stretch" | "leavers"> & { origin: Origin },
  ): void {
    const fed = changes.map((change): FeedChange => {
      const before = { ...this.#last };
      this.#last[kindOf[change.type]] = change.revision;
      return { ...change, roomId: this.roomId, before, origin };
    });
    this.#options.onBatch({ changes: fed, room: this.#room, ...more });
  }

  #awaitHole(): void {
    if (this.#filling || this.#hole) return;
    const waitMs = this.#options.isBusUp() ? (this.#options.holeTimeoutMs ?? 20) : 0;
    this.#hole = setTimeout(() => void this.#fill(), waitMs);
  }

  #cancelHole(): void {
    clearTimeout(this.#hole);
    this.#hole = undefined;
  }

  async #fill(): Promise<void> {
    this.#cancelHole();
    if (this.#filling) return;
    this.#filling = true;
    this.#options.onGap();
    for (let retryMs = 50; !this.#closed && this.#heard > this.#position; retryMs = Math.min(2 * retryMs, maxRetryMs)) {
      try {
        await this.#readPage();
        retryMs = 25;
      } catch (fault) {
        this.#options.onFault(fault);
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
    this.#filling = false;
  }

  async #readPage(): Promise<void> {
    const gap = await this.#options.store.readForNode({ roomId: this.roomId, revision: this.#position }, gapPageSize);
    if (this.#closed) return;
    if (!gap || gap.room.revision < this.#position) {
      this.close();
      this.#options.onBack();
      return;
    }
    if (gap.room.revision === this.#position) {
      // Heard of a revision that the database does not have: a false publication.
      this.#heard = this.#position;
      this.#pending.clear();
      return;
    }
    this.#applyGap(gap);
    this.#applyPending();
  }

  #applyGap({ changes, through, room, leavers }: Gap): void {
    const stretch = { after: this.#position, through };
    this.#position = through;
    this.#readThrough = through;
    this.#room = room;
    this.#emit(changes, { users: [], messages: [], stretch, leavers, origin: fromDatabase });
  }
}

/** The last revision before the change among these kinds; null when there is none. */
export function previousOf(before: KindRevisions, kinds: ReadonlySet<ChangeKind>): number | null {
  let previous = 0;
  for (const kind of kinds) previous = Math.max(previous, before[kind]);
  return previous === 0 ? null : previous;
}
