import type { RoomEvent } from "./changes.ts";
import { kindOf } from "./changes.ts";
import type { Deliveries } from "./deliveries.ts";
import { isErasedId } from "./ids.ts";
import type { Reader } from "./reader.ts";
import { Ring, type Entry } from "./ring.ts";
import type { RingBudget } from "./ring-budget.ts";
import type { FeedBatch, FeedChange } from "./room-feed.ts";
import { previousOf } from "./room-feed.ts";
import type { Executed, Execution, Selection } from "./selection.ts";
import { atTurnEnd, type EndsTurn } from "./turn-end.ts";

/** Where each reader has a response of its own, so many are made together: as many as are so large together. */
const [leastAtOnce, mostAtOnce, charactersAtOnce] = [10, 1_000, 1 << 20];

/**
 * The readers of one room who asked alike. Each change is executed once and serialised once, whatever their number. Batches
 * are delivered one after the other, so that every reader gets them in the order of the log.
 */
export class Group implements EndsTurn {
  readonly readers = new Set<Reader>();
  readonly selection: Selection;
  readonly ring: Ring;
  /** The newest change of a membership, also of batches that are not delivered yet. */
  memberRevision: number;
  /** How many of the readers are live. */
  liveReaders = 0;
  readonly #deliveries: Deliveries;
  #queue: FeedBatch[] = [];
  /** Executed in this turn of the event loop, and not with the readers yet. */
  #ready: Entry[] = [];
  #readyCharacters = 0;
  #busy = false;

  constructor(
    selection: Selection,
    {
      position,
      memberRevision,
      deliveries,
      ringBudget,
    }: { position: number; memberRevision: number; deliveries: Deliveries; ringBudget: RingBudget },
  ) {
    this.selection = selection;
    this.#deliveries = deliveries;
    this.ring = new Ring({ floor: position, budget: ringBudget });
    this.memberRevision = memberRevision;
  }

  push(batch: FeedBatch): void {
    this.memberRevision = batch.room.memberRevision;
    this.#serveAlone(batch);
    this.#queue.push(batch);
    if (!this.#busy) this.#work();
  }

  // Synchronous as long as nothing has to be loaded: then a change is on its way before the commit's caller goes on.
  #work(): void {
    this.#busy = true;
    for (let batch = this.#queue.shift(); batch; batch = this.#queue.shift()) {
      const done = this.#deliver(batch);
      if (!done) continue;
      void done.then(() => this.#work());
      return;
    }
    this.#busy = false;
  }

  #deliver(batch: FeedBatch): Promise<void> | undefined {
    const { users, messages, room } = batch;
    let execution: Execution | undefined;
    const begin = () => (execution ??= this.selection.begin({ users, messages, rooms: [room] }));
    let rest: Promise<void> | undefined;
    for (const change of batch.changes) {
      if (rest) rest = rest.then(() => this.#deliverChange(change, batch, begin));
      else rest = this.#deliverChange(change, batch, begin);
    }
    return rest;
  }

  // What was read after they left may hold more than leavers may see; their own read stops where they left. Whoever is
  // ahead of the node and stands within the stretch would miss what is told before it in its later state. Of a leaver who was
  // erased nobody can tell which of the readers it was: all read for themselves, and who finds no membership is it.
  #serveAlone({ stretch, leavers, room }: FeedBatch): void {
    if (!stretch) return;
    this.#handOut();
    this.ring.begin(stretch);
    const mayBeAnybody = [...leavers].some(isErasedId);
    for (const reader of this.readers) {
      const { position, viewer } = reader;
      if (mayBeAnybody || leavers.has(viewer.id)) reader.readAlone(room.revision, "membership");
      else if (position > stretch.after && position < stretch.through) reader.readAlone(stretch.through, "order");
    }
  }

  #deliverChange(change: FeedChange, batch: FeedBatch, begin: () => Execution): Promise<void> | undefined {
    const { revision } = change;
    if (change.type === "MemberLeft" && isErasedId(change.member.userId)) this.#forgetErased(revision);
    const entry: Entry = { change, revision, previous: previousOf(change.before, this.selection.kinds), payload: null };
    if (change.type === "MemberLeft" && batch.leavers.size === 0) this.#tellLeaver(entry, change.member.userId);
    if (!this.selection.kinds.has(kindOf[change.type])) return undefined;
    if (this.selection.perViewer) return this.#deliverToEach(entry, begin());
    const executed = begin().run(eventOf(entry), null);
    if (executed instanceof Promise) return executed.then((late) => this.#deliverShared(entry, late, begin()));
    return this.#deliverShared(entry, executed, begin());
  }

  #deliverShared(entry: Entry, executed: Executed, execution: Execution) {
    if (executed.fault !== undefined) return this.#leaveToPages(entry);
    // A membership changed between the event and what was loaded for it: somebody may not see this any more.
    if (executed.memberRevision > entry.revision) return this.#deliverToEach(entry, execution);
    entry.payload = executed.payload;
    this.ring.push(entry);
    if (this.#ready.length === 0) atTurnEnd(this, "hand out");
    this.#ready.push(entry);
    const { length } = executed.payload.json;
    this.#readyCharacters += length;
    if (!this.#deliveries.waits(length)) this.#handOut();
    return undefined;
  }

  // What a user wrote who was erased by now must not be replayed to anybody.
  #forgetErased(revision: number): void {
    this.#handOut();
    this.ring.forget(revision - 1);
  }

  /** All get it by reads of their own, which are repeated until they succeed. */
  #leaveToPages({ revision }: Entry): undefined {
    this.#handOut();
    this.ring.forget(revision);
    for (const reader of this.readers) reader.readAlone(revision, "fault");
    return undefined;
  }

  endTurn(): void {
    this.#handOut();
  }

  /** Gives the readers what is ready. Whatever else they are given or told of must come after it. */
  #handOut(): void {
    const ready = this.#ready;
    if (ready.length === 0) return;
    this.#ready = [];
    this.#deliveries.waitsNoMore(this.#readyCharacters);
    this.#readyCharacters = 0;
    const payloads = ready.map((entry) => entry.payload!);
    for (const reader of this.readers) reader.deliverAll(ready, payloads);
    this.#deliveries.handedOut(ready, this.liveReaders);
  }

  // Readers may go live while others' responses are made; they are served before the next change is taken up.
  async #deliverToEach(entry: Entry, execution: Execution): Promise<void> {
    this.#handOut();
    const event = eventOf(entry);
    let atOnce = leastAtOnce;
    for (let due = this.#due(entry, atOnce); due.length > 0; due = this.#due(entry, atOnce)) {
      const results = await Promise.all(due.map(async (reader) => execution.run(event, reader.viewer)));
      let largest = 1;
      due.forEach((reader, index) => {
        const { payload, fault } = results[index]!;
        largest = Math.max(largest, payload.json.length);
        if (fault === undefined) reader.deliver(entry, payload);
        else reader.readAlone(entry.revision, "fault");
      });
      this.#deliveries.handedOut([entry], due.length);
      atOnce = Math.min(mostAtOnce, Math.max(leastAtOnce, Math.floor(charactersAtOnce / largest)));
    }
    // Whoever falls behind here reads for themselves: there is no common response to replay.
    this.ring.forget(entry.revision);
  }

  #due(entry: Entry, max: number): Reader[] {
    const due: Reader[] = [];
    for (const reader of this.readers) {
      if (reader.takes(entry)) due.push(reader);
      if (due.length === max) break;
    }
    return due;
  }

  /** Their own MemberLeft is executed for them alone, whatever kinds they asked for; it is the last they get of the room. */
  #tellLeaver(entry: Entry, userId: string): void {
    this.#handOut();
    for (const reader of this.readers) if (reader.viewer.id === userId) reader.leave(entry);
  }
}

export function eventOf({ change, previous }: Entry): RoomEvent {
  const { before: _before, origin: _origin, ...event } = change;
  return { ...event, previous };
}
