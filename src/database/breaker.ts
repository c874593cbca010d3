/** What `Breaker` waits, at first and at most. */
const pausesMs = { first: 500, most: 15_000 };

/**
 * Keeps from what failed: after a failure nobody asks for a while, then one alone tries, and the pause doubles while that
 * fails too.
 */
export class Breaker {
  readonly #nowMs: () => number;
  #failures = 0;
  #triedAtMs = 0;
  #isTrying = false;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  get isOpen(): boolean {
    return this.#failures > 0;
  }

  /** Whether to ask now. Whoever is let through says how it went. */
  admits(): boolean {
    if (!this.isOpen) return true;
    const pauseMs = Math.min(pausesMs.first * 2 ** (this.#failures - 1), pausesMs.most);
    if (this.#isTrying || this.#nowMs() - this.#triedAtMs < pauseMs) return false;
    this.#isTrying = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#isTrying = false;
  }

  failed(): void {
    // Many that were under way together are one failure.
    if (!this.isOpen || this.#isTrying) this.#failures += 1;
    this.#triedAtMs = this.#nowMs();
    this.#isTrying = false;
  }
}
