import { once } from "node:events";
import { request, type ClientRequest, type IncomingMessage } from "node:http";

export type SentEvent = { event: string; data: unknown } | { comment: string };

/** A client of server-sent events, on a connection of its own, that can stop reading. */
export class EventReader implements AsyncDisposable {
  readonly response: IncomingMessage;
  readonly events: SentEvent[] = [];
  ended = false;
  readonly #request: ClientRequest;
  #rest = "";
  #taken = 0;
  #wake: () => void = () => {};

  private constructor(sent: ClientRequest, response: IncomingMessage) {
    this.#request = sent;
    this.response = response;
    response.setEncoding("utf8");
    response.on("data", (text: string) => this.#read(text));
    for (const name of ["end", "close", "error"]) {
      response.on(name, () => {
        this.ended = true;
        this.#wake();
      });
    }
  }

  static async open(
    app: { url: string },
    {
      token,
      query,
      variables,
      accept = "text/event-stream",
    }: { token: string; query: string; variables?: object; accept?: string },
  ): Promise<EventReader> {
    const body = JSON.stringify({ query, variables });
    const sent = request(`${app.url}/graphql`, {
      method: "POST",
      agent: false,
      headers: { "Content-Type": "application/json", Accept: accept, Authorization: `Bearer ${token}` },
    });
    sent.on("error", () => {});
    sent.end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    return new EventReader(sent, response);
  }

  /** The next event, comments passed over. */
  async next(timeoutMs = 5_000): Promise<{ event: string; data: unknown }> {
    for (;;) {
      const event = await this.#take(timeoutMs);
      if ("event" in event) return event;
    }
  }

  async comment(timeoutMs = 5_000): Promise<string> {
    for (;;) {
      const event = await this.#take(timeoutMs);
      if ("comment" in event) return event.comment;
    }
  }

  async end(timeoutMs = 5_000): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!this.ended) await this.#wait(deadline);
  }

  async #take(timeoutMs: number): Promise<SentEvent> {
    const deadline = performance.now() + timeoutMs;
    while (this.events.length <= this.#taken) {
      if (this.ended) throw new Error(`The stream ended; last: ${JSON.stringify(this.events.at(-1))}`);
      await this.#wait(deadline);
    }
    this.#taken += 1;
    return this.events[this.#taken - 1]!;
  }

  async #wait(deadline: number): Promise<void> {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw new Error(`Nothing came in time; last: ${JSON.stringify(this.events.at(-1))}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #read(text: string): void {
    const blocks = (this.#rest + text).split("\n\n");
    this.#rest = blocks.pop()!;
    for (const block of blocks) {
      if (block.startsWith(":")) {
        this.events.push({ comment: block.slice(1) });
        continue;
      }
      const field = (name: string) => new RegExp(`^${name}:(.*)$`, "m").exec(block)?.[1]?.trim() ?? "";
      const data = field("data");
      this.events.push({ event: field("event"), data: data === "" ? null : (JSON.parse(data) as unknown) });
    }
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#request.destroy();
  }
}
