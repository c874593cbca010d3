import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import { tokenOf } from "./app.ts";

type Variables = Record<string, unknown>;
export type Answer<Data> = {
  data?: Data | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string; [key: string]: unknown } }[];
};

/** One item of a feed, as `feedFields` selects it. */
export type Item = {
  __typename: string;
  cursor: string;
  previousCursor: string | null;
  cursors?: string[];
  room?: { id: string };
  message?: {
    id: string;
    content: string | null;
    clientMessageId: string;
    position: string;
    version: string;
    sender: { id: string; name: string };
  };
  member?: { user: { id: string }; role: string };
  user?: { id: string };
  ranges?: { reader: { id: string }; from: string; through: string }[];
};

export const feedFields = `
  __typename
  ... on RoomEvent { cursor previousCursor room { id } }
  ... on CaughtUp { cursors }
  ... on MessageSent { message { ...M } }
  ... on MessageEdited { message { ...M } }
  ... on MessageDeleted { message { ...M } }
  ... on MemberJoined { member { user { id } role } }
  ... on MemberUpdated { member { user { id } role } }
  ... on MemberLeft { user { id } }
  ... on MessagesRead { ranges { reader { id } from through } }`;
const messageFragment = `fragment M on Message { id content clientMessageId position version sender { id name } }`;
export const roomEventsDocument = `subscription ($roomId: ID!, $after: Cursor, $kinds: [RoomEventKind!]) {
  roomEvents(roomId: $roomId, after: $after, kinds: $kinds) { ${feedFields} } } ${messageFragment}`;
export const inboxDocument = `subscription ($after: [Cursor!], $kinds: [RoomEventKind!]) {
  inbox(after: $after, kinds: $kinds) { ${feedFields} } } ${messageFragment}`;

/** What arrives over one subscription, in order; `next` waits for it. */
export class Received<Value> implements AsyncDisposable {
  readonly all: Value[] = [];
  errors: unknown;
  ended = false;
  #taken = 0;
  #waiting: (() => void)[] = [];
  #stop: () => void = () => {};

  constructor(
    start: (sink: {
      next: (value: Value) => void;
      error: (error: unknown) => void;
      complete: () => void;
    }) => () => void,
  ) {
    this.#stop = start({
      next: (value) => {
        this.all.push(value);
        this.#wake();
      },
      error: (error) => {
        this.errors = error;
        this.ended = true;
        this.#wake();
      },
      complete: () => {
        this.ended = true;
        this.#wake();
      },
    });
  }

  /** The next one not taken yet. Rejects when the subscription ends first, or after `timeoutMs`. */
  async next(timeoutMs = 10_000): Promise<Value> {
    await this.until(() => this.all.length > this.#taken, timeoutMs);
    this.#taken += 1;
    return this.all[this.#taken - 1]!;
  }

  /** Takes until one fits; gives that one. */
  async find(fits: (value: Value) => boolean, timeoutMs = 10_000): Promise<Value> {
    for (;;) {
      const value = await this.next(timeoutMs);
      if (fits(value)) return value;
    }
  }

  async end(timeoutMs = 10_000): Promise<void> {
    await this.until(() => this.ended, timeoutMs, true);
  }

  async until(condition: () => boolean, timeoutMs = 10_000, mayEnd = false): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (!condition()) {
      if (this.ended && !mayEnd)
        throw new Error(
          `The subscription ended: ${JSON.stringify(this.errors)} after ${JSON.stringify(this.all.slice(-3))}`,
        );
      const leftMs = deadline - Date.now();
      if (leftMs <= 0)
        throw new Error(`Nothing came within ${timeoutMs} ms; last: ${JSON.stringify(this.all.slice(-3))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  stop(): void {
    this.#stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/** A person at a client of the stock kind: graphql-ws for subscriptions, fetch for the rest. */
export class TestUser implements AsyncDisposable {
  readonly id: string;
  readonly url: string;
  readonly token: string;
  #client: Client | undefined;

  constructor(options: { id: string; url: string; token: string }) {
    this.id = options.id;
    this.url = options.url;
    this.token = options.token;
  }

  /** Signs in once, so that others can refer to the user. */
  static async open(app: { url: string }, id: string, claims: Parameters<typeof tokenOf>[1] = {}): Promise<TestUser> {
    const user = new TestUser({ id, url: app.url, token: await tokenOf(id, claims) });
    await user.must(`{ viewer { id } }`);
    return user;
  }

  /** The same user at another server. */
  at(app: { url: string }): TestUser {
    return new TestUser({ id: this.id, url: app.url, token: this.token });
  }

  async ask<Data>(query: string, variables: Variables = {}): Promise<Answer<Data>> {
    const response = await fetch(`${this.url}/graphql`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: `Bearer ${this.token}`,
        accept: "application/json",
      },
      body: JSON.stringify({ query, variables }),
    });
    return (await response.json()) as Answer<Data>;
  }

  /** The data of an operation that must succeed. */
  async must<Data = Record<string, never>>(query: string, variables: Variables = {}): Promise<Data> {
    const { data, errors } = await this.ask<Data>(query, variables);
    if (errors || !data) throw new Error(`${this.id}: ${JSON.stringify(errors)}`);
    return data;
  }

  client(): Client {
    return (this.#client ??= createClient({
      url: `${this.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${this.token}` },
      retryAttempts: 0,
    }));
  }

  watch<Data = Record<string, unknown>>(query: string, variables: Variables = {}): Received<Answer<Data>> {
    return new Received<Answer<Data>>((sink) => this.client().subscribe<Data>({ query, variables }, sink));
  }

  roomEvents(roomId: string, variables: { after?: string | null; kinds?: string[] } = {}): Received<Item> {
    return this.#items(roomEventsDocument, { roomId, ...variables }, "roomEvents");
  }

  inbox(variables: { after?: string[] | null; kinds?: string[] } = {}): Received<Item> {
    return this.#items(inboxDocument, variables, "inbox");
  }

  #items(query: string, variables: Variables, field: string): Received<Item> {
    return new Received<Item>((sink) =>
      this.client().subscribe<Record<string, Item>>(
        { query, variables },
        {
          next: ({ data, errors }) => (errors ? sink.error(errors) : sink.next(data![field]!)),
          error: sink.error,
          complete: sink.complete,
        },
      ),
    );
  }

  async createRoom(name: string, memberIds: string[] = []): Promise<string> {
    const { createRoom } = await this.must<{ createRoom: { room: { id: string } | null; userErrors: unknown[] } }>(
      `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { code message path } } }`,
      { input: { name, memberIds } },
    );
    if (!createRoom.room) throw new Error(JSON.stringify(createRoom.userErrors));
    return createRoom.room.id;
  }

  /** A mutation's payload. */
  async mutate<Payload = { userErrors: UserErrorAnswer[] }>(
    name: string,
    input: Variables,
    selection = "",
  ): Promise<Payload & { userErrors: UserErrorAnswer[] }> {
    const type = `${name[0]!.toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} userErrors { __typename code message path } } }`;
    return (await this.must<Record<string, Payload & { userErrors: UserErrorAnswer[] }>>(query, { input }))[name]!;
  }

  async send(
    roomId: string,
    content: string,
    more: { clientMessageId?: string; replyToId?: string } = {},
  ): Promise<SentMessage> {
    const { message, userErrors } = await this.mutate<{ message: SentMessage | null }>(
      "sendMessage",
      { roomId, content, ...more },
      `message { id clientMessageId content position version hlc sentAt }`,
    );
    if (!message) throw new Error(JSON.stringify(userErrors));
    return message;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.dispose();
  }
}

export type UserErrorAnswer = { __typename: string; code: string; message: string; path: string[] | null };
export type SentMessage = {
  id: string;
  clientMessageId: string;
  content: string;
  position: string;
  version: string;
  hlc: string;
  sentAt: string;
};
