import type { ChangeKind, MemberRow, MessageRow, ReadRange, RoomEvent } from "../../src/log/changes.ts";
import { formatCursor, parseCursor } from "../../src/log/cursor.ts";
import type { FeedItem } from "../../src/log/selection.ts";
import type { Payload, Sink } from "../../src/log/sink.ts";
import type { ModelRoom, Stay } from "./model-room.ts";

/** What a response of the model's selections says: the item, and what it selected besides. */
export type Told = FeedItem & { nested?: string[] };

/** What a client has put together of one room. */
export type Replica = {
  messages: Map<string, MessageRow>;
  sent: Map<string, number>;
  members: Map<string, MemberRow>;
  ranges: ReadRange[];
  roomRevision: number;
  /** The newest cursor that it holds. */
  held: number;
  /** The first cursor that it got. */
  first: number;
  /** That was an event's, not that of CaughtUp. */
  beganWithEvent: boolean;
  leaves: number[];
};

/**
 * A client that keeps a store and comes back with its newest cursors. Looks at each item as it comes, and notes what
 * breaks a guarantee.
 */
export class ModelClient {
  readonly userId: string;
  readonly kinds: ReadonlySet<ChangeKind>;
  readonly replicas = new Map<string, Replica>();
  readonly violations: string[] = [];
  readonly #rooms: ReadonlyMap<string, ModelRoom>;
  #sink: ModelSink | undefined;
  #caughtUps = 0;
  /** Of this subscription. */
  #newest = new Map<string, number>();

  constructor(options: { userId: string; kinds: ReadonlySet<ChangeKind>; rooms: ReadonlyMap<string, ModelRoom> }) {
    this.userId = options.userId;
    this.kinds = options.kinds;
    this.#rooms = options.rooms;
  }

  get isOpen(): boolean {
    return this.#sink !== undefined && !this.#sink.closed;
  }

  get sink(): ModelSink | undefined {
    return this.#sink;
  }

  get isCaughtUp(): boolean {
    return this.#caughtUps > 0;
  }

  /** A new subscription's sink; its cursors are to be those of `cursors`. */
  open(): ModelSink {
    this.#caughtUps = 0;
    this.#newest.clear();
    const sink = new ModelSink((told) => {
      if (sink === this.#sink) this.#take(told);
    });
    this.#sink = sink;
    return sink;
  }

  cursorOf(roomId: string): string | null {
    const replica = this.replicas.get(roomId);
    return replica ? formatCursor(roomId, replica.held) : null;
  }

  get cursors(): string[] {
    return [...this.replicas.keys()].map((roomId) => this.cursorOf(roomId)!);
  }

  /** Begins at the beginning of the room. */
  replicaOf(roomId: string): Replica {
    let replica = this.replicas.get(roomId);
    if (!replica) {
      replica = {
        messages: new Map(),
        sent: new Map(),
        members: new Map(),
        ranges: [],
        roomRevision: 0,
        held: 0,
        first: 0,
        beganWithEvent: false,
        leaves: [],
      };
      this.replicas.set(roomId, replica);
    }
    return replica;
  }

  #take(told: Told): void {
    if (told.type === "CaughtUp") {
      this.#caughtUps += 1;
      if (this.#caughtUps > 1) this.#violation("CaughtUp came twice");
      for (const cursor of told.cursors) {
        const { roomId, revision } = parseCursor(cursor, []);
        const replica = this.replicaOf(roomId);
        if (revision < (this.#newest.get(roomId) ?? 0))
          this.#violation(`CaughtUp at ${revision} is older than an event`);
        replica.held = Math.max(replica.held, revision);
        replica.first ||= revision;
        this.#newest.set(roomId, replica.held);
      }
      return;
    }
    this.#checkOrder(told);
    this.#checkSight(told);
    this.#store(told);
  }

  #checkOrder({ roomId, revision, previous, type }: RoomEvent): void {
    const replica = this.replicaOf(roomId);
    const newest = this.#newest.get(roomId) ?? 0;
    if (revision <= newest) this.#violation(`${type}@${revision} after ${newest}`);
    if ((previous ?? 0) > replica.held)
      this.#violation(`${type}@${revision} follows ${previous}, held is ${replica.held}`);
    this.#newest.set(roomId, revision);
    replica.held = Math.max(replica.held, revision);
    if (replica.first === 0) replica.beganWithEvent = true;
    replica.first ||= revision;
  }

  /** Nothing of after a removal may be seen, in whatever field, unless the user is back. */
  #checkSight(told: RoomEvent & { nested?: string[] }): void {
    const stays = this.#rooms.get(told.roomId)!.stays.get(this.userId) ?? [];
    if (!maySee(stays, told.revision)) this.#violation(`${told.type}@${told.revision} after the removal`);
    const texts = [...(told.nested ?? []), ...("message" in told ? [told.message.content ?? ""] : [])];
    for (const text of texts) {
      if (text !== "" && !maySee(stays, Number(text.split("@")[1])))
        this.#violation(`${told.type}@${told.revision} shows ${text}`);
    }
  }

  #store(told: RoomEvent): void {
    const replica = this.replicaOf(told.roomId);
    if ("message" in told) {
      const { message } = told;
      const known = replica.messages.get(message.id);
      if (told.type === "MessageSent") replica.sent.set(message.id, (replica.sent.get(message.id) ?? 0) + 1);
      else if (!known && message.position > replica.first)
        this.#violation(`${told.type}@${told.revision} precedes its message`);
      if (!known || known.revision < message.revision) replica.messages.set(message.id, message);
    } else if ("member" in told) {
      const known = replica.members.get(told.member.userId);
      if (!known || known.revision < told.member.revision) replica.members.set(told.member.userId, told.member);
      if (told.type === "MemberLeft" && told.member.userId === this.userId) replica.leaves.push(told.revision);
    } else if ("ranges" in told) replica.ranges.push(...told.ranges);
    else replica.roomRevision = Math.max(replica.roomRevision, told.revision);
  }

  #violation(what: string): void {
    this.violations.push(`${this.userId}: ${what}`);
  }
}

export function maySee(stays: Stay[], revision: number): boolean {
  return stays.some((stay) => stay.to === null || revision <= stay.to);
}

/** A connection that takes what it is given, unless it is told to be slow. */
export class ModelSink implements Sink {
  slow = false;
  closed = false;
  failure: unknown;
  #asked = 0;
  #waiting: (() => void)[] = [];
  #listeners: (() => void)[] = [];
  readonly #take: (told: Told) => void;

  constructor(take: (told: Told) => void) {
    this.#take = take;
  }

  next({ json }: Payload): void {
    if (!this.closed) this.#take(JSON.parse(json) as Told);
  }

  nextAll(payloads: readonly Payload[]): void {
    for (const payload of payloads) this.next(payload);
  }

  get overloaded(): boolean {
    this.#asked += 1;
    if (this.#asked > 10_000) throw new Error("The subscription goes round in circles.");
    return this.slow;
  }

  drained(): Promise<void> {
    return this.slow && !this.closed ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve();
  }

  setSlow(slow: boolean): void {
    this.slow = slow;
    if (!slow) this.#wake();
  }

  complete(): void {
    this.close();
  }

  fail(fault: unknown): void {
    this.failure = fault;
    this.close();
  }

  tooSlow(): void {
    this.close();
  }

  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.#listeners.push(listener);
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.#wake();
    for (const listener of this.#listeners) listener();
  }

  /** Of what was asked since the last call. */
  resetAsked(): void {
    this.#asked = 0;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
