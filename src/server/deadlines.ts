/** Something that is due at a time of its own, which may be put off. */
export interface Due {
  /** Milliseconds since 1970; Infinity for never. */
  dueAtMs: number;
}

/** Node's timers go no further. */
const maxTimerMs = 2_147_483_647;
/** Whatever is due within this time is done in one look at all. */
const graceMs = 20;

/**
 * Calls back for each member once it is due: one timer for all, so that a member costs a place in a set. The time may lie
 * beyond what a timer of Node can wait.
 */
export class Deadlines<Member extends Due> implements Disposable {
  readonly #members = new Set<Member>();
  readonly #onDue: (member: Member) => void;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #wakeAtMs = Infinity;

  constructor({ onDue, now }: { onDue: (member: Member) => void; now: () => number }) {
    this.#onDue = onDue;
    this.#now = now;
  }

  get size(): number {
    return this.#members.size;
  }

  /** Also after a member's time has changed. */
  add(member: Member): void {
    this.#members.add(member);
    if (member.dueAtMs < this.#wakeAtMs) this.#wakeAt(member.dueAtMs);
  }

  delete(member: Member): void {
    this.#members.delete(member);
  }

  #wakeAt(timeMs: number): void {
    clearTimeout(this.#timer);
    this.#wakeAtMs = timeMs;
    if (timeMs === Infinity) return;
    const waitMs = Math.min(Math.max(timeMs - this.#now(), graceMs), maxTimerMs);
    this.#timer = setTimeout(() => this.#look(), waitMs);
  }

  #look(): void {
    const now = this.#now();
    let nextAtMs = Infinity;
    for (const member of this.#members) {
      if (member.dueAtMs > now) {
        nextAtMs = Math.min(nextAtMs, member.dueAtMs);
        continue;
      }
      this.#members.delete(member);
      this.#onDue(member);
    }
    this.#wakeAt(nextAtMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#members.clear();
  }
}
