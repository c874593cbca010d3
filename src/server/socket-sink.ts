import type { GraphQLError } from "graphql";
import { payloadOf, utf8Bytes } from "../log/payload.ts";
import type { Payload } from "../log/sink.ts";
import type { Mask } from "../graphql/errors.ts";
import { framesWith } from "./frames.ts";
import { EndStream, type OpenSink } from "./sinks.ts";
import type { SocketWriter } from "./socket-writer.ts";

/** The socket that a sink is part of. */
export interface SinkSocket {
  readonly writer: SocketWriter;
  readonly mask: Mask;
  /** Ends the connection: its client does not take what it asked for. */
  tooSlow(): void;
}

/**
 * An operation's responses over a WebSocket. The hub writes the frames itself; graphql-ws, which keeps the protocol, gets
 * an iterable that yields nothing and ends when the subscription does. There are as many as subscriptions: it is small.
 */
export class SocketSink implements OpenSink {
  readonly #head: string;
  readonly #socket: SinkSocket;
  /** What the client was told where it failed. */
  failure: GraphQLError | undefined;
  #ended = false;
  #onEnd: (() => void)[] = [];

  constructor(id: string, socket: SinkSocket) {
    this.#head = utf8Bytes(`{"id":${JSON.stringify(id)},"type":"next","payload":`);
    this.#socket = socket;
  }

  get stream(): AsyncGenerator<unknown, void, void> {
    return new EndStream(this);
  }

  get overloaded(): boolean {
    return this.#socket.writer.overloaded;
  }

  next(payload: Payload): void {
    if (!this.#ended) this.#socket.writer.send(`${this.#head}${payload.bytes}}`);
  }

  nextAll(payloads: readonly Payload[]): void {
    if (!this.#ended) this.#socket.writer.sendFrames(framesWith(this.#head, payloads));
  }

  drained(): Promise<void> {
    return this.#socket.writer.drained();
  }

  complete(): void {
    this.close();
  }

  fail(fault: unknown): void {
    this.failure = this.#socket.mask(fault);
    this.next(payloadOf(JSON.stringify({ errors: [this.failure.toJSON()] })));
    this.close();
  }

  tooSlow(): void {
    this.#socket.tooSlow();
  }

  onClose(listener: () => void): void {
    if (this.#ended) listener();
    else this.#onEnd.push(listener);
  }

  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    const listeners = this.#onEnd;
    this.#onEnd = [];
    for (const listener of listeners) listener();
  }
}
