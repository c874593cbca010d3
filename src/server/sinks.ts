import type { Sink } from "../log/sink.ts";

/** A sink and the iterable that ends with it, for the library that keeps the door's protocol. */
export interface OpenSink extends Sink {
  readonly stream: AsyncGenerator<unknown, void, void>;
  /** The client wants no more, or is gone. */
  close(): void;
}

const done = { done: true as const, value: undefined };

/** Yields nothing: ends with the sink, and the sink with it. */
export class EndStream implements AsyncGenerator<unknown, void, void> {
  readonly #sink: OpenSink;

  constructor(sink: OpenSink) {
    this.#sink = sink;
  }

  next(): Promise<IteratorReturnResult<void>> {
    return new Promise((resolve) => this.#sink.onClose(() => resolve(done)));
  }

  async return(): Promise<IteratorReturnResult<void>> {
    this.#sink.close();
    return done;
  }

  async throw(fault: unknown): Promise<never> {
    this.#sink.close();
    throw fault;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#sink.close();
  }
}
