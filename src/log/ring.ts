import type { FeedChange, Stretch } from "./room-feed.ts";
import type { RingBudget } from "./ring-budget.ts";
import type { Payload } from "./sink.ts";

/** A change as a group delivers it. `payload` is null until it was executed, and where it is executed for each reader. */
export type Entry = { change: FeedChange; revision: number; previous: number | null; payload: Payload | null };

/** What an entry takes besides its payload, roughly. */
const entryBytes = 256;

/** The last entries of a group: what readers that fell behind for a moment replay without reading the database. */
export class Ring {
  /** Its neighbours in the order of the budget, which keeps them. */
  before: Ring | null = null;
  behind: Ring | null = null;
  /** Those before `#start` are gone. */
  #entries: (Entry | undefined)[] = [];
  #start = 0;
  #bytes = 0;
  /** Everything after this revision is in the ring. */
  #floor: number;
  /** Nobody can begin within it. */
  #stretch: Stretch | null = null;
  readonly #budget: RingBudget;
  readonly #maxEntries: number;
  readonly #maxBytes: number;

  constructor({
    floor,
    budget,
    maxEntries = 256,
    maxBytes = 1 << 20,
  }: {
    floor: number;
    budget: RingBudget;
    maxEntries?: number;
    maxBytes?: number;
  }) {
    this.#floor = floor;
    this.#budget = budget;
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#start === this.#entries.length;
  }

  push(entry: Entry): void {
    // Nobody replays it.
    if (entry.revision <= this.#floor) return;
    const bytes = sizeOf(entry);
    this.#entries.push(entry);
    this.#bytes += bytes;
    this.#budget.took(this, bytes);
    while (this.#entries.length - this.#start > this.#maxEntries || this.#bytes > this.#maxBytes) this.forgetOldest();
  }

  /** What comes next, up to the end of the stretch, completes only who stands at its beginning. One is remembered. */
  begin(stretch: Stretch): void {
    if (this.#stretch) this.#floor = Math.max(this.#floor, this.#stretch.through);
    this.#stretch = stretch;
  }

  /** What readers must get from elsewhere. */
  forget(through: number): void {
    const bytes = this.#bytes;
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#floor = Math.max(this.#floor, through);
    this.#budget.gaveBack(this, bytes);
  }

  /** Nobody reads it any more, and nothing is kept. */
  close(): void {
    this.forget(Infinity);
  }

  covers(position: number): boolean {
    if (position < this.#floor) return false;
    return !this.#stretch || position <= this.#stretch.after || position >= this.#stretch.through;
  }

  *after(position: number): Generator<Entry> {
    for (let index = this.#start; index < this.#entries.length; index++) {
      const entry = this.#entries[index]!;
      if (entry.revision > position) yield entry;
    }
  }

  /** Call only when not empty. */
  forgetOldest(): void {
    const entry = this.#entries[this.#start]!;
    const bytes = sizeOf(entry);
    this.#entries[this.#start] = undefined;
    this.#start += 1;
    this.#floor = Math.max(this.#floor, entry.revision);
    this.#bytes -= bytes;
    if (this.isEmpty || (this.#start >= 64 && this.#start * 2 >= this.#entries.length)) {
      this.#entries = this.#entries.slice(this.#start);
      this.#start = 0;
    }
    this.#budget.gaveBack(this, bytes);
  }
}

function sizeOf({ payload }: Entry): number {
  if (!payload) return entryBytes;
  const { json, bytes } = payload;
  // Where not all is ASCII there are two texts.
  return entryBytes + bytes.length + (json.length === bytes.length ? 0 : 2 * json.length);
}
