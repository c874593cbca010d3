/** How often something may be done: `burst` at once, and `perSecond` in the long run. The burst is not the smaller one. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Who waits as long as told is not refused because a timer was a little early. */
export const earlyMs = 5;

/** How full it is: each thing done adds one, and it drains at the rate. */
export class TokenBucket {
  readonly #rate: Rate;
  #level = 0;
  #atMs = 0;

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  /** Adds one where it fits. Gives after how many ms it will; 0 when it was added. */
  take(nowMs: number): number {
    const level = this.levelAt(nowMs);
    const excess = level + 1 - this.#rate.burst;
    const waitMs = (excess / this.#rate.perSecond) * 1_000;
    if (waitMs > earlyMs) return Math.ceil(waitMs);
    this.#level = level + 1;
    this.#atMs = nowMs;
    return 0;
  }

  levelAt(nowMs: number): number {
    const drained = (Math.max(0, nowMs - this.#atMs) * this.#rate.perSecond) / 1_000;
    return Math.max(0, this.#level - drained);
  }

  /** Adds these whether they fit or not; takes them out where they are negative. */
  correct(points: number): void {
    this.#level = Math.max(0, this.#level + points);
  }
}
