import { once } from "node:events";
import { WebSocket } from "ws";

/** A client that speaks graphql-transport-ws by itself, and can stop reading. */
export class RawSocket implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly messages: { id?: string; type: string; payload?: unknown }[] = [];
  closeCode: number | undefined;
  #waiting: (() => void)[] = [];

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as RawSocket["messages"][number]);
      this.#wake();
    });
    socket.on("error", () => this.#wake());
    socket.on("close", (code) => {
      this.closeCode = code;
      this.#wake();
    });
  }

  /** Signed in. */
  static async open(url: string, token: string): Promise<RawSocket> {
    const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
    await once(socket, "open");
    const raw = new RawSocket(socket);
    raw.send({ type: "connection_init", payload: { authorization: `Bearer ${token}` } });
    await raw.until(() => raw.messages.some(({ type }) => type === "connection_ack"));
    return raw;
  }

  send(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }

  subscribe(id: string, query: string, variables: Record<string, unknown>): void {
    this.send({ id, type: "subscribe", payload: { query, variables } });
  }

  /** The payloads of an operation's responses so far. */
  responses<Data>(id: string): Data[] {
    return this.messages
      .filter((message) => message.type === "next" && message.id === id)
      .map(({ payload }) => (payload as { data: Data }).data);
  }

  /** Takes nothing more from the network: what the server sends piles up, in the kernel first. */
  stopReading(): void {
    this.socket.pause();
  }

  goOnReading(): void {
    this.socket.resume();
  }

  async until(condition: () => boolean, timeoutMs = 15_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(`Not within ${timeoutMs} ms; last: ${JSON.stringify(this.messages.slice(-2)).slice(0, 400)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
