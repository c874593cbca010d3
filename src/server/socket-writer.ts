import type { Duplex } from "node:stream";
import { atTurnEnd } from "../log/turn-end.ts";
import { textFrame } from "./frames.ts";

/** An empty ping (RFC 6455, 5.5.2). */
const PING = "\x89\x00";

/**
 * Writes frames to a WebSocket's raw connection. What comes in one turn of the event loop goes out in one write, which is
 * most of what a delivery costs. Every write is of whole frames, so `ws` may write its own in between.
 */
export class SocketWriter {
  readonly #connection: Duplex;
  readonly #maxBufferedBytes: number;
  #pending = "";
  /** The connection took the last write only into its own buffer. */
  #blocked = false;
  #waiting: (() => void)[] | undefined;

  constructor(connection: Duplex, { maxBufferedBytes }: { maxBufferedBytes: number }) {
    this.#connection = connection;
    this.#maxBufferedBytes = maxBufferedBytes;
    connection.on("drain", () => this.#drained());
    connection.on("close", () => this.#drained());
  }

  /** Bytes that the client has not taken yet, as far as this process knows. */
  get bufferedBytes(): number {
    return this.#pending.length + this.#connection.writableLength;
  }

  get overloaded(): boolean {
    // Asked before each delivery: as long as the connection takes what it is given there is nothing to add up.
    if (!this.#blocked) return this.#pending.length > this.#maxBufferedBytes;
    return this.bufferedBytes > this.#maxBufferedBytes;
  }

  /** One text message; `bytes` as in `textFrame`. */
  send(bytes: string): void {
    this.sendFrames(textFrame(bytes));
  }

  /** Whole frames. */
  sendFrames(frames: string): void {
    if (this.#pending !== "") {
      this.#pending += frames;
      return;
    }
    this.#pending = frames;
    atTurnEnd(this, "write");
  }

  ping(): void {
    this.sendFrames(PING);
  }

  endTurn(): void {
    this.flush();
  }

  /** Writes what waits now, as before a close frame. */
  flush(): void {
    if (this.#pending === "") return;
    const frames = this.#pending;
    this.#pending = "";
    if (this.#connection.writable) this.#blocked = !this.#connection.write(frames, "latin1");
    if (this.#waiting && !this.overloaded) this.#drained();
  }

  /** Resolves when the client has taken what waited, or is gone. */
  drained(): Promise<void> {
    if (!this.overloaded || this.#connection.destroyed) return Promise.resolve();
    return new Promise((resolve) => (this.#waiting ??= []).push(resolve));
  }

  #drained(): void {
    this.#blocked = false;
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const resolve of waiting) resolve();
  }
}
