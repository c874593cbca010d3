import type { FeedChange, Stretch } from "./room-feed.ts";
import type { Payload } from "./sink.ts";

/** A change as a group delivers it. `payload` is null until it was executed, and where it is executed for each reader. */
export type Entry = { change: FeedChange; revision: number; previous: number | null; payload: Payload | null };

/** The last entries of a group: what readers that fell behind for a moment replay without reading the database. */
export class Ring {
  #entries: Entry[] = [];
  #start = 0;
  #bytes = 0;
  /** Everything after this revision is in the ring. */
  #floor: number;
  /** Nobody can begin within it. */
  #stretch: Stretch | null = null;
  readonly #maxEntries: number;
  readonly #maxBytes: number;

  constructor({
    floor,
    maxEntries = 256,
    maxBytes = 1 << 20,
  }: {
    floor: number;
    maxEntries?: number;
    maxBytes?: number;
  }) {
    this.#floor = floor;
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  push(entry: Entry): void {
    this.#entries.push(entry);
    this.#bytes += sizeOf(entry);
    while (this.#entries.length - this.#start > this.#maxEntries || this.#bytes > this.#maxBytes) this.#shift();
  }

  /** What comes next, up to the end of the stretch, completes only who stands at its beginning. One is remembered. */
  begin(stretch: Stretch): void {
    if (this.#stretch) this.#floor = Math.max(this.#floor, this.#stretch.through);
    this.#stretch = stretch;
  }

  /** What readers must get from elsewhere. */
  forget(through: number): void {
    this.#entries = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#floor = Math.max(this.#floor, through);
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

  #shift(): void {
    const entry = this.#entries[this.#start]!;
    this.#start += 1;
    this.#floor = Math.max(this.#floor, entry.revision);
    this.#bytes -= sizeOf(entry);
    if (this.#start < 64 || this.#start * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#start);
    this.#start = 0;
  }
}

function sizeOf({ payload }: Entry): number {
  return payload?.bytes.length ?? 0;
}
