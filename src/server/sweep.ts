/**
 * Visits each member once an interval, a slice of them at a time: ten thousand served in one turn of the event loop would
 * hold up everything else. One timer for all. The first visit comes a whole interval after a member was added.
 */
export class Sweep<Member> implements Disposable {
  readonly #slices: Set<Member>[];
  readonly #visit: (member: Member) => void;
  readonly #timer: NodeJS.Timeout;
  #visited = 0;

  constructor({ intervalMs, slices, visit }: { intervalMs: number; slices: number; visit: (member: Member) => void }) {
    this.#slices = Array.from({ length: slices }, () => new Set());
    this.#visit = visit;
    this.#timer = setInterval(() => this.#sweep(), intervalMs / slices);
  }

  add(member: Member): void {
    this.#slices[this.#visited]!.add(member);
  }

  delete(member: Member): void {
    for (const slice of this.#slices) if (slice.delete(member)) return;
  }

  *[Symbol.iterator](): Generator<Member> {
    for (const slice of this.#slices) yield* slice;
  }

  #sweep(): void {
    this.#visited = (this.#visited + 1) % this.#slices.length;
    for (const member of this.#slices[this.#visited]!) this.#visit(member);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
