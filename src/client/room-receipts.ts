import { compareTexts } from "./compare-texts.ts";
import type { RoomMessagesQuery } from "./generated/operations.ts";
import { createComputed, type Observable } from "./observable.ts";
import type { Message, RoomEvent, User } from "./room-event.ts";

/** Who has read a message, and when (ISO 8601). */
export interface Reader {
  user: User;
  readAt: string;
}

/** Who has read what, as far as it is known; of a message that is read by many the first of them. */
export interface Receipts {
  /** Who other than the sender has read it, earliest first. */
  readersOf(message: Pick<Message, "id" | "position" | "sender">): readonly Reader[];
  /** Whether the client's user has read it, or sent it. */
  isRead(message: Pick<Message, "position" | "sender">): boolean;
}

/** Others' messages with a position in it, both ends included, were read. */
export type ReadRange = Extract<RoomEvent, { ranges: unknown }>["ranges"][number];
/** A message of a page of history, with who has read it. */
export type PageMessage = NonNullable<RoomMessagesQuery["room"]>["messages"]["edges"][number]["node"];

/** So many ranges of one reader are kept; the oldest go first. */
const maxRanges = 500;

/** The read receipts of one room, from pages of its history and from events in any order. */
export class RoomReceipts {
  readonly receipts: Observable<Receipts>;
  readonly #viewerId: string;
  readonly #computed = createComputed(() => this.#snapshot());
  readonly #byReader = new Map<string, { user: User; ranges: ReadRange[] }>();
  #readThrough = "";

  constructor(viewerId: string) {
    this.#viewerId = viewerId;
    this.receipts = this.#computed;
  }

  take(ranges: readonly ReadRange[]): void {
    for (const range of ranges) this.#add(range);
    this.#computed.changed();
  }

  /** Messages of one stretch of the history, in the room's order, with when the viewer read them. */
  takePage(messages: readonly PageMessage[], viewer?: User): void {
    this.take(rangesOf(messages, viewer));
  }

  /** The user has read everything up to this position. */
  readThrough(position: string): void {
    if (position <= this.#readThrough) return;
    this.#readThrough = position;
    this.#computed.changed();
  }

  clear(): void {
    this.#byReader.clear();
    this.#readThrough = "";
    this.#computed.changed();
  }

  #add(range: ReadRange) {
    const { ranges } = this.#byReader.get(range.reader.id) ?? { ranges: [] };
    if (!put(range, ranges)) return;
    if (ranges.length > maxRanges) ranges.shift();
    this.#byReader.set(range.reader.id, { user: range.reader, ranges });
  }

  #snapshot(): Receipts {
    // Asked at each rendering; computed once for each state.
    const known = new Map<string, readonly Reader[]>();
    return {
      readersOf: (message) => {
        const readers = known.get(message.id) ?? this.#readersOf(message);
        known.set(message.id, readers);
        return readers;
      },
      isRead: ({ position, sender }) =>
        sender.id === this.#viewerId ||
        position <= this.#readThrough ||
        readAtOf(this.#byReader.get(this.#viewerId)?.ranges, position) !== undefined,
    };
  }

  #readersOf({ position, sender }: Pick<Message, "position" | "sender">): Reader[] {
    const readers: Reader[] = [];
    for (const [readerId, { user, ranges }] of this.#byReader) {
      const readAt = readerId === sender.id ? undefined : readAtOf(ranges, position);
      if (readAt !== undefined) readers.push({ user, readAt });
    }
    return readers.sort((a, b) => compareTexts(a.readAt, b.readAt));
  }
}

/** Whether `range` says all that `other` says: what it holds was read as early. */
function covers(range: ReadRange, other: ReadRange): boolean {
  return range.from <= other.from && range.through >= other.through && range.readAt <= other.readAt;
}

/** Puts a range among those of one reader, sorted by their ends, in place of what it holds; false where one of them holds it. */
function put(range: ReadRange, ranges: ReadRange[]): boolean {
  let place = ranges.length;
  for (; place > 0 && ranges[place - 1]!.through >= range.through; place--)
    if (covers(ranges[place - 1]!, range)) return false;
  // Those with the same end may be among what it holds, as may those that end within it.
  let first = place;
  while (first < ranges.length && ranges[first]!.through === range.through) first++;
  for (let at = first - 1; at >= 0 && ranges[at]!.through >= range.from; at--) {
    if (!covers(range, ranges[at]!)) continue;
    ranges.splice(at, 1);
    if (at < place) place--;
  }
  ranges.splice(place, 0, range);
  return true;
}

function readAtOf(ranges: readonly ReadRange[] | undefined, position: string): string | undefined {
  let earliest: string | undefined;
  if (!ranges) return undefined;
  // Sorted by their ends, and what is looked at is mostly new.
  for (let at = ranges.length - 1; at >= 0 && ranges[at]!.through >= position; at--) {
    const { from, readAt } = ranges[at]!;
    if (from <= position && (earliest === undefined || readAt < earliest)) earliest = readAt;
  }
  return earliest;
}

/** What was read at one time and lies side by side is one range. */
function rangesOf(messages: readonly PageMessage[], viewer: User | undefined): ReadRange[] {
  const ranges: ReadRange[] = [];
  const growing = new Map<string, ReadRange>();
  for (const { position, sender, readAt: ownReadAt, readBy } of messages) {
    const receipts = new Map(
      readBy.edges.map(({ node }) => [node.reader.id, { reader: node.reader, readAt: node.readAt }]),
    );
    if (viewer && ownReadAt !== null) receipts.set(viewer.id, { reader: viewer, readAt: ownReadAt });
    for (const [readerId, range] of growing) {
      const goesOn = readerId === sender.id || receipts.get(readerId)?.readAt === range.readAt;
      if (!goesOn) growing.delete(readerId);
    }
    for (const [readerId, { reader, readAt }] of receipts) {
      const range = growing.get(readerId) ?? { reader, from: position, through: position, readAt };
      range.through = position;
      if (growing.has(readerId)) continue;
      growing.set(readerId, range);
      ranges.push(range);
    }
  }
  return ranges;
}
