import { ChatClient, type ChatClientOptions } from "../../src/client/chat-client.ts";
import { messageOf, type Message, type RoomEvent } from "../../src/client/room-event.ts";
import type { Room } from "../../src/client/room.ts";
import { tokenOf } from "../support/app.ts";
import { until } from "../support/until.ts";

export const webSocketUrl = (app: { url: string }) => `${app.url.replace("http", "ws")}/graphql`;

/** A client of the kit that was started, and every event that it told. */
export class TestClient implements AsyncDisposable {
  readonly client: ChatClient;
  readonly events: RoomEvent[] = [];
  readonly faults: unknown[] = [];

  constructor(app: { url: string }, userId: string, options: Partial<ChatClientOptions> = {}) {
    this.client = new ChatClient({
      url: webSocketUrl(app),
      userId,
      getToken: () => tokenOf(userId),
      onFault: (error) => this.faults.push(error),
      ...options,
    });
    this.client.onEvents((events) => this.events.push(...events));
    this.client.start();
  }

  get status() {
    return this.client.state.get().status;
  }

  live(): Promise<void> {
    return until("the client is live", () => this.status === "live");
  }

  /** What it was told of, as texts. */
  get contents(): (string | null)[] {
    return this.events.flatMap((event) => messageOf(event)?.content ?? []);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.dispose();
  }
}

export const contentsOf = (room: Room) => room.messages.get().map(({ content }) => content);

/** Those that the server has. */
export function sentOf(room: Room): Message[] {
  return room.messages.get().filter((message) => message.position !== undefined);
}
