import { ChatClient } from "../../src/client/chat-client.ts";
import { createMemoryStorage } from "../../src/client/storage.ts";
import { createLocalLock } from "../../src/client/lock.ts";
import { tokenOf } from "../support/app.ts";
import { Recording } from "./recording.ts";

/**
 * A user's client, as apps have it: the kit, which finds dead connections, comes back and resumes by itself. What is written
 * down is taken off its sockets, so that nothing which the kit mends or passes over is hidden, and beside it what it tells.
 */
export class RecordingClient implements AsyncDisposable {
  readonly recording: Recording;
  readonly client: ChatClient;
  readonly faults: unknown[] = [];

  constructor(options: { url: string; userId: string; rooms: Iterable<string> }) {
    const { url, userId } = options;
    this.recording = new Recording(userId, options.rooms);
    this.client = new ChatClient({
      url: `${url.replace("http", "ws")}/graphql`,
      userId,
      getToken: () => tokenOf(userId),
      storage: createMemoryStorage(),
      lock: createLocalLock(),
      webSocketImpl: tapped(this.recording),
      onFault: (error) => this.faults.push(error),
    });
    this.client.onEvents((events) => {
      for (const event of events) this.recording.told(event);
    });
    this.client.start();
  }

  get userId(): string {
    return this.recording.userId;
  }

  get isLive(): boolean {
    return this.client.state.get().status === "live";
  }

  /** Sends that were neither acknowledged nor refused. */
  get waiting(): number {
    return this.client.queue.items.get().filter(({ status }) => status === "queued" || status === "sending").length;
  }

  /** Comes back when it is kept, to be sent. */
  write(roomId: string, content: string) {
    return this.client.queue.add({ roomId, content });
  }

  /** Forgets what was refused, which an app would show. */
  async clear(): Promise<void> {
    for (const { status, clientMessageId } of this.client.queue.items.get())
      if (status === "failed") await this.client.queue.discard(clientMessageId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.dispose();
  }
}

/** The runtime's sockets, all frames of which are written down. */
function tapped(recording: Recording): typeof WebSocket {
  let sockets = 0;
  return class extends WebSocket {
    readonly #index = (sockets += 1);

    constructor(url: string, protocol: string) {
      super(url, protocol);
      // Before the client's own listener.
      this.addEventListener("message", ({ data }) => recording.received(this.#index, String(data)));
      this.addEventListener("close", () => recording.closed(this.#index));
    }

    override send(data: string) {
      recording.sent(this.#index, data);
      super.send(data);
    }
  } as unknown as typeof WebSocket;
}
