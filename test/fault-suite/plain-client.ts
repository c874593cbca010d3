import { WebSocket } from "ws";
import { InboxDocument } from "../../src/client/generated/operations.ts";
import { tokenOf } from "../support/app.ts";
import { Recording, type FeedItem } from "./recording.ts";

/** A client of a few lines that does only what it is told to: connect, resume, and stop reading. */
export class PlainClient implements Disposable {
  readonly recording: Recording;
  readonly #url: string;
  #socket: WebSocket | undefined;
  #sockets = 0;
  #isLive = false;
  closeCode: number | undefined;

  constructor(options: { url: string; userId: string; rooms: Iterable<string> }) {
    this.#url = `${options.url.replace("http", "ws")}/graphql`;
    this.recording = new Recording(options.userId, options.rooms);
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  get isClosed(): boolean {
    return this.closeCode !== undefined;
  }

  /** Goes on after its newest cursors. Returns at once. */
  async connect(): Promise<void> {
    const authorization = `Bearer ${await tokenOf(this.recording.userId)}`;
    const index = (this.#sockets += 1);
    const socket = new WebSocket(this.#url, "graphql-transport-ws");
    this.#socket = socket;
    this.closeCode = undefined;
    this.#isLive = false;
    const send = (frame: unknown) => socket.send(JSON.stringify(frame));
    socket.on("open", () => send({ type: "connection_init", payload: { authorization } }));
    socket.on("message", (data: Buffer) => this.#take(index, data.toString()));
    // `close` follows.
    socket.on("error", () => undefined);
    socket.on("close", (code) => {
      this.recording.closed(index);
      if (this.#socket !== socket) return;
      this.closeCode = code;
      this.#isLive = false;
    });
  }

  stopReading(): void {
    this.#socket?.pause();
  }

  goOnReading(): void {
    this.#socket?.resume();
  }

  [Symbol.dispose](): void {
    this.#socket?.terminate();
  }

  #take(index: number, text: string) {
    const { type, payload } = JSON.parse(text) as { type: string; payload?: { data?: { inbox: FeedItem } } };
    if (type === "connection_ack") this.#subscribe(index);
    if (type === "ping") this.#socket!.send(JSON.stringify({ type: "pong" }));
    if (type !== "next" || !payload?.data) return;
    this.recording.received(index, text);
    const item = payload.data.inbox;
    if (item.__typename === "CaughtUp") this.#isLive = true;
    else this.recording.told(item);
  }

  #subscribe(index: number) {
    const { newest } = this.recording;
    const variables = { after: newest.size === 0 ? null : [...newest.values()] };
    const frame = { id: "inbox", type: "subscribe", payload: { query: InboxDocument.toString(), variables } };
    const text = JSON.stringify(frame);
    this.recording.sent(index, text);
    this.#socket!.send(text);
  }
}
