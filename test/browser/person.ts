import { randomUUID } from "node:crypto";
import { MarkReadDocument, RoomDocument, SendMessageDocument } from "../../src/client/generated/operations.ts";
import { ChatClient, type Outcome } from "../../src/client/index.ts";
import { outcomeOf } from "../../src/client/outcome.ts";
import { until } from "../support/until.ts";

/** Somebody who is there without a browser: the client kit, signed in by name. */
export class Person implements AsyncDisposable {
  readonly name: string;
  readonly client: ChatClient;

  constructor(name: string, client: ChatClient) {
    this.name = name;
    this.client = client;
  }

  static async open(url: string, name: string): Promise<Person> {
    const { userId } = await signIn(url, name);
    const getToken = async () => (await signIn(url, name)).token;
    const client = new ChatClient({ url: `${url.replace(/^http/, "ws")}/graphql`, userId, getToken });
    client.start();
    await until(`${name} is connected`, () => client.state.get().status === "live");
    return new Person(name, client);
  }

  get id(): string {
    return this.client.userId;
  }

  /** Gives its id. */
  async createRoom(name: string, people: readonly { id: string }[]): Promise<string> {
    const input = { name, memberIds: people.map(({ id }) => id) };
    return madeOf(await this.client.admin.createRoom(input)).id;
  }

  /** Gives its id. */
  async openDirectRoom(other: { id: string }): Promise<string> {
    return madeOf(await this.client.admin.openDirectRoom(other.id)).id;
  }

  /** Resolves when the server has it; gives its id. */
  async say(roomId: string, content: string, replyToId?: string): Promise<string> {
    const input = { roomId, content, replyToId, clientMessageId: randomUUID() };
    const { sendMessage } = await this.client.requests.ask(SendMessageDocument, { input });
    return madeOf(outcomeOf(sendMessage.message, sendMessage.userErrors)).id;
  }

  /** Gives the id of the room's last message. */
  async newestIn(roomId: string): Promise<string> {
    const { room } = await this.client.requests.ask(RoomDocument, { id: roomId });
    if (!room?.lastMessage) throw new Error("There is no message.");
    return room.lastMessage.id;
  }

  /** Up to that message, it included. */
  async read(roomId: string, upToId: string): Promise<void> {
    const { markRead } = await this.client.requests.ask(MarkReadDocument, { input: { roomId, upToId } });
    madeOf(outcomeOf(markRead.room, markRead.userErrors));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.dispose();
  }
}

async function signIn(url: string, name: string): Promise<{ token: string; userId: string }> {
  const body = JSON.stringify({ name });
  const response = await fetch(`${url}/dev/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  return (await response.json()) as { token: string; userId: string };
}

function madeOf<Value>(outcome: Outcome<Value>): Value {
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value;
}
