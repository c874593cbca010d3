import type { Ring } from "./ring.ts";

/**
 * Bounds what all rings of a node keep together: beyond it the ring that got nothing for the longest time forgets its oldest
 * entry. That is always safe, since readers find in the database what no ring has.
 */
export class RingBudget {
  readonly #maxBytes: number;
  #bytes = 0;
  /** The rings that hold something, from the one that got nothing for the longest time to the one that got something last. */
  #first: Ring | null = null;
  #last: Ring | null = null;

  constructor({ maxBytes }: { maxBytes: number }) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The ring keeps so much more. */
  took(ring: Ring, bytes: number): void {
    this.#bytes += bytes;
    if (this.#last !== ring) {
      this.#unlink(ring);
      this.#append(ring);
    }
    while (this.#bytes > this.#maxBytes && this.#first) this.#first.forgetOldest();
  }

  /** The ring keeps so much less. */
  gaveBack(ring: Ring, bytes: number): void {
    this.#bytes -= bytes;
    if (ring.isEmpty) this.#unlink(ring);
  }

  #append(ring: Ring): void {
    ring.before = this.#last;
    if (this.#last) this.#last.behind = ring;
    else this.#first = ring;
    this.#last = ring;
  }

  #unlink(ring: Ring): void {
    const { before, behind } = ring;
    if (before) before.behind = behind;
    else if (this.#first === ring) this.#first = behind;
    if (behind) behind.before = before;
    else if (this.#last === ring) this.#last = before;
    ring.before = null;
    ring.behind = null;
  }
}
