import type { BoardClock } from "../live/presence-board.clock.ts";

const retryAfterMs = 1_000;

/** Tries again and again, until it succeeds or there is nobody left whom it is for. */
export class Insistence implements Disposable {
  readonly #clock: BoardClock;
  readonly #onFault: (fault: unknown) => void;
  readonly #wakers = new Set<() => void>();
  #isOver = false;

  constructor(options: { clock: BoardClock; onFault: (fault: unknown) => void }) {
    this.#clock = options.clock;
    this.#onFault = options.onFault;
  }

  /** Null: it was over before it succeeded. Never rejects. */
  async on<Result>(work: () => Promise<Result>): Promise<Result | null> {
    while (!this.#isOver) {
      try {
        const result = await work();
        return this.#isOver ? null : result;
      } catch (fault) {
        this.#onFault(fault);
        await this.#pause();
      }
    }
    return null;
  }

  #pause(): Promise<void> {
    if (this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#wakers.delete(wake);
        callOff();
        resolve();
      };
      const callOff = this.#clock.after(retryAfterMs, wake);
      this.#wakers.add(wake);
    });
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    for (const wake of this.#wakers) wake();
  }
}
