import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Socket } from "node:net";
import type { Dialogue, Step } from "./dialogues.ts";
import { sequencesIn } from "./content.ts";
import { clientFrame, FrameReader, opcodes, smallPayloadBytes } from "./frames.ts";

export interface SubscriberOptions {
  room: number;
  port: number;
  dialogue: Dialogue;
  /** Whether it reads the messages, or only counts them. */
  reads: boolean;
  sourceAddress: string;
  onDelivery: (subscriber: Subscriber, frameBytes: number) => void;
  onFailure: (cause: Error) => void;
}

/** One client: a socket and a count. */
export interface Subscriber {
  readonly room: number;
  received: number;
  /** The sequences that it has read, in order; only where it reads. */
  read: number[] | undefined;
  forget(): void;
  /** Resets the connection, which leaves no port in TIME_WAIT. */
  leave(): void;
}

/** All sockets read into it: each is read out before the next one is filled. */
const sharedBuffer = Buffer.alloc(256 * 1024);
const endOfHeaders = "\r\n\r\n";
/** A text frame from this length on, to one who is subscribed, is a delivery. */
const deliveryBytes = smallPayloadBytes;

/** Comes back once it has subscribed, as far as its protocol tells. Later trouble is told to `onFailure`. */
export async function openSubscriber(options: SubscriberOptions): Promise<Subscriber> {
  const opened = Promise.withResolvers<void>();
  const client = new Client(options, opened.resolve);
  try {
    await Promise.race([opened.promise, client.failed]);
  } catch (cause) {
    client.leave();
    throw cause;
  }
  client.failed.catch(options.onFailure);
  return client;
}

class Client implements Subscriber {
  readonly room: number;
  received = 0;
  read: number[] | undefined;
  readonly failed: Promise<never>;

  #socket: Socket;
  #options: SubscriberOptions;
  #frames: FrameReader;
  #response = "";
  #isOpen = false;
  #isSubscribed = false;
  #left = false;
  #fail: (cause: Error) => void;
  #subscribed: () => void;

  constructor(options: SubscriberOptions, subscribed: () => void) {
    const failure = Promise.withResolvers<never>();
    this.failed = failure.promise;
    this.#fail = failure.reject;
    this.#subscribed = subscribed;
    this.#options = options;
    this.room = options.room;
    this.read = options.reads ? [] : undefined;
    this.#frames = new FrameReader({
      wants: (opcode, bytes) =>
        options.reads || !this.#isSubscribed || opcode !== opcodes.text || bytes < deliveryBytes,
      frame: (opcode, bytes, payload) => this.#take(opcode, bytes, payload),
    });
    this.#socket = connect({
      host: "127.0.0.1",
      port: options.port,
      localAddress: options.sourceAddress,
      noDelay: true,
      onread: { buffer: sharedBuffer, callback: (bytes, buffer) => this.#hear(buffer, bytes) },
    });
    this.#socket.once("connect", () => this.#socket.write(upgradeRequest(options)));
    this.#socket.once("error", (cause) => this.#end(cause));
    this.#socket.once("close", () => this.#end(new Error("The server closed a subscriber's connection.")));
  }

  forget(): void {
    this.received = 0;
    if (this.read) this.read = [];
  }

  leave(): void {
    this.#left = true;
    this.#socket.resetAndDestroy();
  }

  #end(cause: Error): void {
    if (!this.#left) this.#fail(cause);
  }

  #hear(buffer: Uint8Array, bytes: number): boolean {
    try {
      if (this.#isOpen) this.#frames.read(buffer, bytes);
      else this.#upgrade(buffer, bytes);
    } catch (cause) {
      this.#fail(cause as Error);
    }
    return true;
  }

  #upgrade(buffer: Uint8Array, bytes: number): void {
    this.#response += Buffer.from(buffer.subarray(0, bytes)).toString("latin1");
    const end = this.#response.indexOf(endOfHeaders);
    if (end === -1) return;
    if (!this.#response.startsWith("HTTP/1.1 101")) throw new Error(`No WebSocket: ${this.#response.slice(0, 300)}`);
    const rest = Buffer.from(this.#response.slice(end + endOfHeaders.length), "latin1");
    this.#response = "";
    this.#isOpen = true;
    this.#do(this.#options.dialogue.open());
    this.#frames.read(rest, rest.length);
  }

  #take(opcode: number, bytes: number, payload: Buffer | undefined): void {
    if (opcode === opcodes.text && this.#isSubscribed && bytes >= deliveryBytes) {
      this.received += 1;
      if (this.read) this.#note(payload!.toString());
      this.#options.onDelivery(this, bytes);
    } else if (opcode === opcodes.text) this.#do(this.#options.dialogue.hear(payload!.toString()));
    else if (opcode === opcodes.ping) this.#socket.write(clientFrame(opcodes.pong, payload!));
    else if (opcode === opcodes.close) throw new Error(`The server closed: ${payload!.subarray(2).toString()}`);
    else if (opcode !== opcodes.pong) throw new Error(`A frame with the opcode ${opcode}.`);
  }

  #note(text: string): void {
    const sequences = sequencesIn(text);
    if (sequences.length !== 1) throw new Error(`A frame without a message of ours: ${text.slice(0, 300)}`);
    this.read!.push(sequences[0]!);
  }

  #do(step: Step): void {
    if (step.send !== undefined) this.#socket.write(clientFrame(opcodes.text, step.send));
    if (!step.subscribed) return;
    this.#isSubscribed = true;
    this.#subscribed();
  }
}

function upgradeRequest({ port, dialogue }: SubscriberOptions): string {
  const lines = [
    `GET ${dialogue.path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
  ];
  if (dialogue.subprotocol) lines.push(`Sec-WebSocket-Protocol: ${dialogue.subprotocol}`);
  return lines.join("\r\n") + endOfHeaders;
}
