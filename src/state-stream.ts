const done = { done: true as const, value: undefined };

interface StateStreamOptions<Value> {
  /** What the subscriber has not been given yet, as it is now; null where there is nothing. A fault ends the stream. */
  take(): Value | null | Promise<Value | null>;
  /** Called once, when the subscriber wants no more or the stream has ended. */
  onClose(): void;
}

interface Waiting<Value> {
  resolve(result: IteratorResult<Value, void>): void;
  reject(fault: unknown): void;
}

/**
 * The responses of a subscription that tells a state. Nothing is kept for whoever is slow: the next response is made when it
 * is asked for, of the state as it is then.
 */
export class StateStream<Value> implements AsyncGenerator<Value, void, void> {
  readonly #options: StateStreamOptions<Value>;
  #waiting: Waiting<Value>[] = [];
  #isServing = false;
  /** There may be more than the last `take` saw. */
  #isStale = true;
  #isEnding = false;
  #isClosed = false;

  constructor(options: StateStreamOptions<Value>) {
    this.#options = options;
  }

  /** There may be something to take. */
  changed(): void {
    this.#isStale = true;
    this.#serve();
  }

  /** What is left is still given. */
  end(): void {
    this.#isEnding = true;
    this.changed();
  }

  next(): Promise<IteratorResult<Value, void>> {
    if (this.#isClosed) return Promise.resolve(done);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#close();
    return done;
  }

  async throw(fault: unknown): Promise<never> {
    this.#close();
    throw fault;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }

  #serve(): void {
    if (this.#isServing || this.#waiting.length === 0) return;
    this.#isServing = true;
    void this.#serveWaiting();
  }

  async #serveWaiting(): Promise<void> {
    try {
      while (this.#waiting.length > 0 && this.#isStale) {
        this.#isStale = false;
        const value = await this.#options.take();
        if (this.#isClosed) return;
        if (value === null) continue;
        // Whether that was all only the next take can tell.
        this.#isStale = true;
        this.#waiting.shift()?.resolve({ done: false, value });
      }
      if (this.#isEnding && this.#waiting.length > 0) this.#close();
    } catch (fault) {
      this.#waiting.shift()?.reject(fault);
      this.#close();
    } finally {
      this.#isServing = false;
    }
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each.resolve(done);
    this.#options.onClose();
  }
}
