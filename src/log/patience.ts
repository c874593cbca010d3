import { isOfAwayDatabase, ConnectionFault } from "../database/faults.ts";

const firstPauseMs = 50;
const maxPauseMs = 1_000;
/** So often a database that answers may fail at the same thing. */
const maxRefusals = 10;

/**
 * How a subscription that is open bears with the database: one that is away ends no subscription, since its client could do
 * no better than to come back again and again. For reads that are repeated until they succeed.
 */
export class Patience {
  readonly #onFault: (fault: unknown) => void;
  #failures = 0;
  #refusals = 0;

  constructor(onFault: (fault: unknown) => void) {
    this.#onFault = onFault;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#refusals = 0;
  }

  /** Comes back when it is time to try again; throws the fault where that would not help. Told of are only the first of a row. */
  async failed(fault: unknown): Promise<void> {
    if (!(fault instanceof ConnectionFault)) this.#refusals += 1;
    if (!isOfAwayDatabase(fault) || this.#refusals > maxRefusals) throw fault;
    if (this.#failures === 0) this.#onFault(fault);
    const pauseMs = Math.min(firstPauseMs * 2 ** this.#failures, maxPauseMs);
    this.#failures += 1;
    // Many fail at the same time, and should not all come back at the same time.
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random() / 2)));
  }
}
