import type { ServerResponse } from "node:http";
import type { ExecutionResult } from "graphql";
import type { Mask } from "../graphql/errors.ts";
import { payloadOf } from "../log/payload.ts";
import type { Payload } from "../log/sink.ts";
import type { UserConnection } from "./connections.ts";
import type { Due } from "./deadlines.ts";
import { answerHeaders } from "./security-headers.ts";
import { EndStream, type OpenSink } from "./sinks.ts";

export type EventStreamOptions = {
  mask: Mask;
  /** More waiting for the client is too much, as on a WebSocket. */
  maxBufferedBytes: number;
  /** A client that takes too little for so long is cut off. */
  drainTimeoutMs: number;
  /** When the token ends that it was opened with. */
  dueAtMs: number;
};

const headers = {
  ...answerHeaders,
  "Content-Type": "text/event-stream",
  // nginx would wait for more before it passes anything on.
  "X-Accel-Buffering": "no",
};

/**
 * An operation's responses as server-sent events (GraphQL over SSE, distinct connections), written straight to the
 * connection. It ends without `complete` when the server ends it: clients come back and resume.
 */
export class EventStream implements OpenSink, UserConnection, Due {
  dueAtMs: number;
  readonly #response: ServerResponse;
  readonly #options: EventStreamOptions;
  #begun = false;
  #ended = false;
  #onEnd: (() => void)[] = [];
  #waiting: (() => void)[] = [];

  constructor(response: ServerResponse, options: EventStreamOptions) {
    this.#response = response;
    this.#options = options;
    this.dueAtMs = options.dueAtMs;
    response.on("drain", () => this.#drained());
    response.on("close", () => this.close());
  }

  get stream(): AsyncGenerator<unknown, void, void> {
    return new EndStream(this);
  }

  get overloaded(): boolean {
    return this.#response.writableLength > this.#options.maxBufferedBytes;
  }

  next({ json }: Payload): void {
    this.#write(`event: next\ndata: ${json}\n\n`);
  }

  nextAll(payloads: readonly Payload[]): void {
    this.#write(payloads.map(({ json }) => `event: next\ndata: ${json}\n\n`).join(""));
  }

  drained(): Promise<void> {
    if (!this.overloaded || this.#ended) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  complete(): void {
    this.#write("event: complete\ndata:\n\n");
    this.end();
  }

  fail(fault: unknown): void {
    this.next(payloadOf(this.#serialise({ errors: [this.#options.mask(fault)] })));
    this.complete();
  }

  tooSlow(): void {
    this.#response.destroy();
    this.close();
  }

  onClose(listener: () => void): void {
    if (this.#ended) listener();
    else this.#onEnd.push(listener);
  }

  /** Keeps what is between from taking it for dead. What waits for the client does as well. */
  keepAlive(): void {
    if (this.#response.writableLength === 0) this.#write(":\n\n");
  }

  end(): void {
    if (this.#ended) return;
    if (this.#begun) this.#response.end();
    else this.#response.destroy();
    this.close();
  }

  /** The connection is gone, or ends. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#drained();
    const listeners = this.#onEnd;
    this.#onEnd = [];
    for (const listener of listeners) listener();
  }

  /** Gives all of these, then completes. Results that the hub writes itself do not come this way: then it is only the end. */
  async give(results: AsyncGenerator<ExecutionResult, void, void>): Promise<void> {
    this.onClose(() => void results.return());
    this.#write(":\n\n");
    try {
      for await (const result of results) {
        // Its `close` comes in a later turn of the event loop, which a stream that never waits would keep from coming.
        if (this.#response.destroyed) return this.close();
        this.next(payloadOf(this.#serialise(result)));
        if (this.overloaded && !(await this.#drainsInTime())) return this.tooSlow();
      }
      this.complete();
    } catch (fault) {
      this.fail(fault);
    }
  }

  async #drainsInTime(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>(
      (resolve) => (timer = setTimeout(() => resolve(false), this.#options.drainTimeoutMs)),
    );
    const inTime = await Promise.race([this.drained().then(() => true), late]);
    clearTimeout(timer);
    return inTime;
  }

  #serialise({ errors, ...result }: ExecutionResult): string {
    const { mask } = this.#options;
    return JSON.stringify(errors ? { errors: errors.map((error) => mask(error).toJSON()), ...result } : result);
  }

  #write(text: string): void {
    if (this.#ended) return;
    if (!this.#begun) {
      this.#begun = true;
      this.#response.writeHead(200, headers);
      // A dead peer shows by itself, also while there is nothing to write.
      this.#response.socket?.setKeepAlive(true, 5_000);
    }
    this.#response.write(text);
  }

  #drained(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
