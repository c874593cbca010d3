import type { Duplex } from "node:stream";

type CountedStream = Duplex & { readonly bytesWritten?: number };

/** `asked`: it is to say something before the next look, so ping it. `stuck`: it takes nothing of what waits for it. */
type Liveness = "busy" | "asked" | "gone" | "stuck";

/** Whether a client is still there, as far as can be told from what it says and what it takes. */
export class ClientLiveness {
  readonly #connection: CountedStream;
  readonly #drainTimeoutMs: number;
  #heard = true;
  #takenBytes = 0;
  #takenAtMs = 0;

  constructor(connection: CountedStream, { drainTimeoutMs }: { drainTimeoutMs: number }) {
    this.#connection = connection;
    this.#drainTimeoutMs = drainTimeoutMs;
  }

  heard(): void {
    this.#heard = true;
  }

  /** Every few seconds. A client that has said nothing since the last time, though asked and listened to, is gone. */
  look({ isListenedTo }: { isListenedTo: boolean }): Liveness {
    if (this.#isStuck()) return "stuck";
    // What waits for the client is before any ping: then it counts whether it takes something.
    if (!isListenedTo || this.#connection.writableLength > 0) return "busy";
    if (!this.#heard) return "gone";
    this.#heard = false;
    return "asked";
  }

  #isStuck(): boolean {
    const { bytesWritten = 0, writableLength } = this.#connection;
    const takenBytes = bytesWritten - writableLength;
    const now = performance.now();
    if (writableLength > 0 && takenBytes === this.#takenBytes) return now - this.#takenAtMs >= this.#drainTimeoutMs;
    this.#takenBytes = takenBytes;
    this.#takenAtMs = now;
    return false;
  }
}
