import { ConnectionFault } from "./faults.ts";

/** How long the database must have said nothing at all before one unanswered statement is taken for all of them. */
const silenceMs = 2_000;
/** Whoever comes while the first probe is under way waits for it so long: it was perhaps one connection alone. */
const firstProbeMs = 250;
const probeIntervalMs = 250;

/** Nothing is sent to the database until it answers again. */
const silent = () => new ConnectionFault("The database does not answer.", { isSilence: true });

export interface OutageOptions {
  /** Asks the database over a connection of its own; resolves when it answered. Bounded by itself. */
  probe: () => Promise<void>;
  onFault: (fault: Error) => void;
  /** Called once an outage: connections that were open are not to be trusted. */
  onBegin: () => void;
}

/**
 * Finds out that the database has fallen silent, as behind a firewall that drops what it is sent. Without it each statement
 * of an operation would wait for its own timeout: with it one does, the others fail at once until a probe is answered.
 */
export class Outage implements Disposable {
  readonly #options: OutageOptions;
  #heardAtMs = performance.now();
  #firstProbe: Promise<unknown> | undefined;
  #isOut = false;
  #isClosed = false;
  #pause: NodeJS.Timeout | undefined;

  constructor(options: OutageOptions) {
    this.#options = options;
  }

  /** The database answered, if only to refuse. */
  heard(): void {
    this.#heardAtMs = performance.now();
  }

  /** A statement was not answered in time. */
  unanswered(): void {
    if (this.#isOut || this.#isClosed || performance.now() - this.#heardAtMs < silenceMs) return;
    this.#isOut = true;
    this.#options.onFault(silent());
    this.#options.onBegin();
    const first = this.#probe();
    this.#firstProbe = Promise.race([first, pause(firstProbeMs)]).then(() => (this.#firstProbe = undefined));
    void first.then(() => this.#probeAgain());
  }

  /**
   * Comes back at once while the database answers.
   * @throws ConnectionFault
   */
  pass(): void | Promise<void> {
    if (!this.#isOut) return undefined;
    if (!this.#firstProbe) throw silent();
    return this.#firstProbe.then(() => {
      if (this.#isOut) throw silent();
    });
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    clearTimeout(this.#pause);
  }

  async #probe(): Promise<void> {
    await this.#options.probe().then(
      () => {
        this.heard();
        this.#isOut = false;
      },
      // It still does not answer, which is known.
      () => undefined,
    );
  }

  #probeAgain(): void {
    if (!this.#isOut || this.#isClosed) return;
    this.#pause = setTimeout(() => void this.#probe().then(() => this.#probeAgain()), probeIntervalMs);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
