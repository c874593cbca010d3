// The reading half of RFC 6455, as far as a server uses it, made to cost next to nothing for a frame that is only counted.

export const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;

/** A payload shorter than this has its length in the second byte. */
export const smallPayloadBytes = 126;

/** A frame to a server. The mask is all zeros: servers unmask it all the same, and the payload stays readable. */
export function clientFrame(opcode: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const header =
    bytes.length < smallPayloadBytes
      ? Buffer.from([0x80 | opcode, 0x80 | bytes.length, 0, 0, 0, 0])
      : Buffer.from([0x80 | opcode, 0x80 | 126, bytes.length >> 8, bytes.length & 0xff, 0, 0, 0, 0]);
  if (bytes.length > 0xffff) throw new Error("The bench sends no frame that long.");
  return Buffer.concat([header, bytes]);
}

export interface FrameListener {
  /** Whether the payload of the frame that begins is wanted. */
  wants(opcode: number, payloadBytes: number): boolean;
  /** A frame is complete. `payload` is there if it was wanted. */
  frame(opcode: number, payloadBytes: number, payload: Buffer | undefined): void;
}

/** Cuts one connection's bytes into frames. Takes no fragmented and no compressed messages: the bench asks for neither. */
export class FrameReader {
  #listener: FrameListener;
  #opcode = 0;
  #payloadBytes = 0;
  #missingBytes = 0;
  #inPayload = false;
  #kept: Buffer[] | undefined;
  /** A header of which only the beginning has come. */
  #header = Buffer.alloc(0);

  constructor(listener: FrameListener) {
    this.#listener = listener;
  }

  /** Reads the first `end` bytes. The buffer may be used again afterwards. */
  read(bytes: Uint8Array, end: number): void {
    let at = 0;
    if (this.#header.length > 0) at = this.#continueHeader(bytes, end);
    while (at < end) {
      at = this.#inPayload ? this.#takePayload(bytes, at, end) : this.#takeHeader(bytes, at, end);
    }
  }

  #continueHeader(bytes: Uint8Array, end: number): number {
    const before = this.#header.length;
    const joined = Buffer.concat([this.#header, bytes.subarray(0, Math.min(end, 10))]);
    this.#header = Buffer.alloc(0);
    const after = this.#takeHeader(joined, 0, joined.length);
    // Still not whole: all of it is kept, and nothing is left of these bytes.
    return this.#header.length > 0 ? end : after - before;
  }

  #takeHeader(bytes: Uint8Array, at: number, end: number): number {
    const length = at + 1 < end ? bytes[at + 1]! & 0x7f : 0;
    const headerBytes = length < smallPayloadBytes ? 2 : length === 126 ? 4 : 10;
    if (end - at < headerBytes) {
      this.#header = Buffer.from(bytes.subarray(at, end));
      return end;
    }
    this.#opcode = bytes[at]! & 0x0f;
    this.#payloadBytes = headerBytes === 2 ? length : wideLength(bytes, at + 2, headerBytes - 2);
    this.#missingBytes = this.#payloadBytes;
    this.#inPayload = true;
    this.#kept = this.#listener.wants(this.#opcode, this.#payloadBytes) ? [] : undefined;
    if (this.#missingBytes === 0) this.#complete();
    return at + headerBytes;
  }

  #takePayload(bytes: Uint8Array, at: number, end: number): number {
    const until = Math.min(end, at + this.#missingBytes);
    if (this.#kept) this.#kept.push(Buffer.from(bytes.subarray(at, until)));
    this.#missingBytes -= until - at;
    if (this.#missingBytes === 0) this.#complete();
    return until;
  }

  #complete(): void {
    this.#inPayload = false;
    this.#listener.frame(this.#opcode, this.#payloadBytes, this.#kept && Buffer.concat(this.#kept));
  }
}

function wideLength(bytes: Uint8Array, at: number, count: number): number {
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + bytes[at + index]!;
  return length;
}
