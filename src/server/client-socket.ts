import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import type { Mask } from "../graphql/errors.ts";
import { parseJsonObject } from "../json-object.ts";
import { utf8Bytes } from "../log/payload.ts";
import { ClientLiveness } from "./client-liveness.ts";
import type { UserConnection } from "./connections.ts";
import { Session, type SessionDoor } from "./session.ts";
import { SocketOperations, type OperatingSocket, type OperationsDoor } from "./socket-operations.ts";
import { SocketWriter } from "./socket-writer.ts";

/** What the sockets of a door have in common. */
export type SocketDoor = SessionDoor &
  OperationsDoor & {
    readonly mask: Mask;
    readonly onFault: (fault: unknown) => void;
    readonly beginTimeoutMs: number;
    readonly maxBufferedBytes: number;
    /** Infinity: any number. */
    readonly maxMessagesPerSecond: number;
    /** What may run at a time, as the query's limits count it. While there is more, nothing is read from the socket. */
    readonly maxCostOfRunning: number;
    /** A client that takes nothing of what waits for it for so long is stuck. */
    readonly drainTimeoutMs: number;
  };

/** graphql-ws takes messages that are parsed already. */
type Listener = (message: unknown) => Promise<void>;
type Message = { readonly type?: unknown; readonly id?: unknown };

const badMessage = [4400, "Invalid message received"] as const;
/** A close frame holds no more (RFC 6455, 5.5). */
const maxReasonBytes = 123;
/** They are only for clients; graphql-ws would not expect them. */
const serverMessages = new Set<unknown>(["connection_ack", "next", "error"]);

/**
 * One client's WebSocket. There are as many as clients, so it keeps little, and what needs a timer is done for all at once by
 * the door.
 */
export class ClientSocket implements OperatingSocket, UserConnection {
  readonly requestId: string;
  readonly writer: SocketWriter;
  readonly session: Session;
  readonly operations: SocketOperations;
  readonly #door: SocketDoor;
  readonly #socket: WebSocket;
  readonly #connection: Duplex;
  readonly #liveness: ClientLiveness;
  #listener: Listener | undefined;
  #ended = false;
  /** Read, but to wait: there while nothing more is read. */
  #backlog: Message[] | undefined;
  #isWaiting = false;
  /** It is to be closed once nothing runs on it. */
  #isLeaving = false;
  #messages = 0;
  #secondBeganMs = 0;

  constructor(
    door: SocketDoor,
    socket: WebSocket,
    { connection, requestId }: { connection: Duplex; requestId: string },
  ) {
    this.requestId = requestId;
    this.#door = door;
    this.#socket = socket;
    this.#connection = connection;
    this.#liveness = new ClientLiveness(connection, door);
    this.writer = new SocketWriter(connection, door);
    this.operations = new SocketOperations(door, this);
    this.session = new Session(door, { socket: this, beginTimeoutMs: door.beginTimeoutMs });
  }

  get mask(): Mask {
    return this.#door.mask;
  }

  get userId(): string {
    return this.session.viewer!.id;
  }

  newContext() {
    return this.session.newContext();
  }

  // What graphql-ws uses.

  get protocol(): string {
    return this.#socket.protocol;
  }

  onMessage(listener: (data: string) => Promise<void>): void {
    this.#listener = listener as Listener;
  }

  /** Resolves when the client can take more. */
  send(data: string): Promise<void> | void {
    if (this.#ended) return undefined;
    // Its `close` comes in a later turn of the event loop, which a stream that never waits would keep from coming.
    if (this.#connection.destroyed) return new Promise(setImmediate);
    this.writer.send(utf8Bytes(data));
    return this.writer.overloaded ? this.writer.drained() : undefined;
  }

  close(code = 1000, reason = ""): void {
    this.end(code, reason);
  }

  // What the client sends.

  receive(data: Buffer, isBinary: boolean): void {
    if (this.#ended || !this.count()) return;
    const message = isBinary ? null : parseJsonObject(data.toString());
    if (message === null || serverMessages.has(message.type)) {
      this.end(...badMessage);
      return;
    }
    if (this.#backlog) this.#backlog.push(message);
    else this.#take(message);
    if (this.#isBehind) this.#stopReading();
  }

  /** Anything that the client sends, pings included. False when it is too much. */
  count(): boolean {
    this.#liveness.heard();
    const now = performance.now();
    if (now - this.#secondBeganMs >= 1_000) {
      this.#secondBeganMs = now;
      this.#messages = 0;
    }
    this.#messages += 1;
    if (this.#messages <= this.#door.maxMessagesPerSecond) return true;
    this.end(4008, "Too many messages");
    return false;
  }

  #take(message: Message): void {
    if (this.#ended) return;
    const { type, id } = message;
    if (typeof id === "string") {
      if (this.operations.holdBack(id, message)) return;
      if (type === "complete") this.operations.abandon(id);
      if (type === "subscribe") {
        void this.#follow(id, this.#listener!(message));
        return;
      }
    }
    this.#listener!(message).catch((fault: unknown) => this.#fail(fault));
  }

  /** From an operation's beginning to its end. */
  async #follow(id: string, running: Promise<void>): Promise<void> {
    try {
      await running;
    } catch (fault) {
      this.#fail(fault);
    }
    for (const message of this.operations.end(id)) this.#take(message as Message);
  }

  #fail(fault: unknown): void {
    this.#door.onFault(fault);
    this.end(1013, "Try again later");
  }

  // How much the client may keep the node busy with.

  get #isBehind(): boolean {
    return this.operations.costOfRunning >= this.#door.maxCostOfRunning || this.writer.overloaded;
  }

  #stopReading(): void {
    if (this.#ended) return;
    // What was read together with the last message still comes.
    this.#backlog ??= [];
    this.#socket.pause();
    this.#waitForClient();
  }

  #waitForClient(): void {
    if (this.#isWaiting || !this.writer.overloaded) return;
    this.#isWaiting = true;
    void this.writer.drained().then(() => {
      this.#isWaiting = false;
      this.settled();
    });
  }

  settled(): void {
    if (this.#isLeaving) return this.#endIfFinished();
    while (this.#backlog && !this.#ended && !this.#isBehind) {
      const message = this.#backlog.shift();
      if (message) {
        this.#take(message);
        continue;
      }
      this.#backlog = undefined;
      this.#socket.resume();
    }
    if (this.#backlog) this.#waitForClient();
  }

  tooSlow(): void {
    this.end(1013, "Too slow");
  }

  // Whether the client is still there.

  heard(): void {
    this.#liveness.heard();
  }

  /** Called every few seconds. */
  check(): void {
    if (this.#ended) return;
    const liveness = this.#liveness.look({ isListenedTo: !this.#socket.isPaused });
    if (liveness === "stuck") this.tooSlow();
    if (liveness === "gone") this.#socket.terminate();
    if (liveness === "asked") this.writer.ping();
  }

  /** From this side. Nothing is written after it, so no `complete` either: clients come back and resume. */
  end(code: number, reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.writer.flush();
    this.#socket.close(code, Buffer.byteLength(reason) <= maxReasonBytes ? reason : "Subscriber already exists");
    if (this.#socket.isPaused) this.#socket.resume();
    this.closed();
  }

  /**
   * Takes nothing more, finishes what runs, though only for so long, and ends with 1012. What the client sent and was not begun
   * is not: it asks again elsewhere. Resolves when its connection is gone, which is soon after that.
   */
  async restart(finishTimeoutMs: number): Promise<void> {
    // It left by itself since it was counted among those to be sent away: its `close` has been.
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const gone = new Promise<void>((resolve) => this.#socket.once("close", () => resolve()));
    const timer = setTimeout(() => this.#restartNow(), finishTimeoutMs);
    this.#isLeaving = true;
    this.#backlog ??= [];
    this.#socket.pause();
    this.#endIfFinished();
    await gone;
    clearTimeout(timer);
  }

  #endIfFinished(): void {
    if (this.operations.costOfRunning === 0) this.#restartNow();
  }

  #restartNow(): void {
    this.end(1012, "Restarting");
  }

  /** The connection is gone, or as good as gone. */
  closed(): void {
    this.#ended = true;
    this.operations.close();
    this.session.end();
  }
}
