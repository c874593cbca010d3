import type { Group } from "./group.ts";
import { eventOf } from "./group.ts";
import type { Entry } from "./ring.ts";
import type { Viewer } from "./selection.ts";
import type { Payload, Sink } from "./sink.ts";

/** What a reader needs of the subscription that it belongs to. */
export interface ReaderOwner {
  readonly viewer: Viewer;
  readonly sink: Sink;
  /** The reader is no longer live and wants to be brought up again. */
  fellBehind(): void;
  /** What the client holds of the room is not in its log any more. */
  reset(): void;
  /** The viewer was removed from the room, and was told. */
  left(reader: Reader): void;
}

/**
 * Why a reader reads the database: its client came back with a cursor, or came to the room; the client took too little; who
 * is a member was in doubt; what the group got was told in another order than this client can follow; or its response could
 * not be made.
 */
export type CatchUpReason = "resumed" | "joined" | "slow" | "membership" | "order" | "fault";

/**
 * One subscription's place in one room. Either live, getting the group's responses as they come, or catching up, led by
 * its owner. Never gives its client anything at or below its position.
 */
export class Reader {
  readonly group: Group;
  readonly roomId: string;
  readonly #owner: ReaderOwner;
  #state: "catching up" | "live" | "over" = "catching up";
  /** Everything up to here was given to the client. */
  #position: number;
  /** The newest cursor of the room that the client holds; 0 for none. */
  #held: number;
  /** Up to here only reads of its own will do: the group's responses may say more than the viewer may see, or less than is due. */
  #ownThrough: number;
  /** Null once it was told. */
  #reason: CatchUpReason | null;

  /** `memberThrough`: the newest revision at which the viewer is known to have been a member. */
  constructor(options: {
    owner: ReaderOwner;
    group: Group;
    roomId: string;
    position: number;
    held: number;
    memberThrough: number;
    reason: CatchUpReason;
  }) {
    this.#owner = options.owner;
    this.group = options.group;
    this.roomId = options.roomId;
    this.#position = options.position;
    this.#held = options.held;
    // Memberships changed since: perhaps this one.
    this.#ownThrough = this.group.memberRevision > options.memberThrough ? this.group.memberRevision : 0;
    this.#reason = options.reason;
    this.group.readers.add(this);
  }

  get viewer(): Viewer {
    return this.#owner.viewer;
  }

  get position(): number {
    return this.#position;
  }

  get held(): number {
    return this.#held;
  }

  get isCatchingUp(): boolean {
    return this.#state === "catching up";
  }

  /** Whether nothing but the group's ring stands between this reader and being live. */
  get isLevel(): boolean {
    return this.#position >= this.#ownThrough && this.group.ring.covers(this.#position);
  }

  /** Whether it is to be delivered to this reader now. One who cannot take it falls behind. */
  takes(entry: Entry): boolean {
    if (this.#state !== "live" || entry.revision <= this.#position) return false;
    // The client would take the event for the sign of a loss: between its last and this one was a change that it got in a
    // later state, with an older event. A read of its own tells it in an order that it can follow.
    if ((entry.previous ?? 0) > this.#held) {
      this.readAlone(entry.revision, "order");
      return false;
    }
    if (this.#owner.sink.overloaded) {
      this.#fallBehind("slow");
      return false;
    }
    return true;
  }

  deliver(entry: Entry, payload: Payload): void {
    if (!this.takes(entry)) return;
    this.#owner.sink.next(payload);
    this.#position = entry.revision;
    this.#held = entry.revision;
  }

  /** Entries that follow one another, with their payloads. */
  deliverAll(entries: readonly Entry[], payloads: readonly Payload[]): void {
    if (this.#state !== "live") return;
    const first = entries[0]!;
    const { sink } = this.#owner;
    if (first.revision > this.#position && (first.previous ?? 0) <= this.#held && !sink.overloaded) {
      sink.nextAll(payloads);
      this.#position = entries.at(-1)!.revision;
      this.#held = this.#position;
      return;
    }
    entries.forEach((entry, index) => this.deliver(entry, payloads[index]!));
  }

  /** From here on live, beginning with what the group delivered meanwhile. Call only when level. */
  goLive(): void {
    this.#become("live");
    for (const entry of this.group.ring.after(this.#position)) {
      if (entry.payload && this.#state === "live") this.deliver(entry, entry.payload);
    }
  }

  /** An event of a page of the reader's own was given to the client. */
  given(revision: number): void {
    this.#position = revision;
    this.#held = revision;
  }

  /** Nothing else is to be given up to here. */
  advance(through: number): void {
    this.#position = through;
  }

  /** The client was told this position. */
  hold(): void {
    this.#held = Math.max(this.#held, this.#position);
  }

  /** Up to this revision the group's responses are not for this reader. */
  readAlone(through: number, reason: CatchUpReason): void {
    this.#ownThrough = Math.max(this.#ownThrough, through);
    this.#fallBehind(reason);
  }

  /** The viewer was removed with this change. One who is behind finds it in the pages that it reads. */
  leave(entry: Entry): void {
    if (entry.revision <= this.#position || this.#state === "over") return;
    if (this.#state === "catching up" || this.#owner.sink.overloaded) {
      this.readAlone(entry.revision, "membership");
      return;
    }
    const before = this.#position;
    this.#become("over");
    this.#position = entry.revision;
    const event = eventOf({ ...entry, previous: Math.min(entry.previous ?? 0, this.#held) || null });
    const executed = this.group.selection.begin({ users: [], messages: [], rooms: [] }).run(event, this.viewer);
    void Promise.resolve(executed).then(({ payload, fault }) => {
      if (fault !== undefined) {
        // Closed meanwhile.
        if (!this.group.readers.has(this)) return;
        this.#position = before;
        this.#become("live");
        this.readAlone(entry.revision, "fault");
        return;
      }
      this.#owner.sink.next(payload);
      this.#owner.left(this);
    });
  }

  /** Why it reads the database, told once for each time that it does. */
  takeReason(): CatchUpReason | null {
    const reason = this.#reason;
    this.#reason = null;
    return reason;
  }

  /** The room's log is not the one that this reader has read. */
  reset(): void {
    this.#owner.reset();
  }

  close(): void {
    this.#become("over");
    this.group.readers.delete(this);
  }

  #fallBehind(reason: CatchUpReason): void {
    if (this.#state !== "live") return;
    this.#become("catching up");
    this.#reason = reason;
    this.#owner.fellBehind();
  }

  #become(state: "catching up" | "live" | "over"): void {
    if (this.#state === "live") this.group.liveReaders -= 1;
    if (state === "live") this.group.liveReaders += 1;
    this.#state = state;
  }
}
