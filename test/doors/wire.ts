import type { Socket } from "node:net";
import { WebSocket, type ClientOptions } from "ws";
import { tokenOf } from "../support/app.ts";
import { until } from "../support/until.ts";

export type Wire = { type: string; id?: string; payload?: unknown };
export type Closed = { code: number; reason: string };

/** A bare WebSocket: sends what it is told to, and keeps what it gets in order. */
export class WireSocket implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly received: Wire[] = [];
  /** Times at which pings of the server came. */
  readonly pings: number[] = [];
  readonly closed: Promise<Closed>;
  #taken = 0;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) =>
      socket.once("close", (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.#wake();
      }),
    );
    socket.on("message", (data: Buffer) => {
      this.received.push(JSON.parse(data.toString()) as Wire);
      this.#wake();
    });
    socket.on("ping", () => this.pings.push(performance.now()));
    socket.on("error", () => this.#wake());
  }

  /** The handshake alone. */
  static async open(
    app: { url: string },
    { protocols = ["graphql-transport-ws"], ...options }: ClientOptions & { protocols?: string[] } = {},
  ): Promise<WireSocket> {
    const socket = new WebSocket(`${app.url.replace("http", "ws")}/graphql`, protocols, options);
    const wire = new WireSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("error", reject);
    });
    return wire;
  }

  /** Up to the acknowledgement. */
  static async begin(app: { url: string }, userId: string, options: ClientOptions & { token?: string } = {}) {
    const wire = await WireSocket.open(app, options);
    await wire.begin(options.token ?? (await tokenOf(userId)));
    return wire;
  }

  async begin(token: string): Promise<void> {
    this.send({ type: "connection_init", payload: { authorization: `Bearer ${token}` } });
    const answer = await this.next();
    if (answer.type !== "connection_ack") throw new Error(`Not acknowledged: ${JSON.stringify(answer)}`);
  }

  send(message: Wire | Record<string, unknown> | string): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** In one segment, so that the server reads them in one go. */
  sendTogether(...messages: Wire[]): void {
    const connection = connectionOf(this.socket);
    connection.cork();
    for (const message of messages) this.send(message);
    connection.uncork();
  }

  subscribe(id: string, query: string, variables?: Record<string, unknown>): void {
    this.send({ id, type: "subscribe", payload: { query, variables } });
  }

  /** The next message not taken yet. */
  async next(timeoutMs = 5_000): Promise<Wire> {
    const deadline = performance.now() + timeoutMs;
    while (this.received.length <= this.#taken) {
      const leftMs = deadline - performance.now();
      const state = this.socket.readyState === WebSocket.OPEN ? "open" : "closed";
      if (leftMs <= 0 || state === "closed")
        throw new Error(`No message within ${timeoutMs} ms (${state}); last: ${JSON.stringify(this.received.at(-1))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#taken += 1;
    return this.received[this.#taken - 1]!;
  }

  /** The answer to an operation; fails on any other. */
  async ask(id: string, query: string, variables?: Record<string, unknown>): Promise<Wire> {
    this.subscribe(id, query, variables);
    const answer = await this.next();
    if (answer.id !== id) throw new Error(`Another one's: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The first response to an operation, whatever comes between. */
  async until(id: string, timeoutMs = 10_000): Promise<Wire> {
    const found = () => this.received.find((message) => message.id === id);
    await until(`a response to ${id}`, () => found() !== undefined, timeoutMs);
    return found()!;
  }

  /** Whatever the server sent before this is in `received` afterwards: it answers in order. */
  async settle(): Promise<void> {
    const mark = `settled ${Math.random()}`;
    this.send({ type: "ping", payload: { mark } });
    for (;;) {
      const message = await this.next();
      if (message.type === "pong" && (message.payload as { mark?: string } | undefined)?.mark === mark) return;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.terminate();
    await this.closed;
  }
}

function connectionOf(socket: WebSocket): Socket {
  // ws keeps it to itself.
  const name = "_socket";
  return (socket as unknown as Record<typeof name, Socket>)[name];
}
