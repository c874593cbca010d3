import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";
import type { Answer, TestUser, UserErrorAnswer } from "./user.ts";
import { Received } from "./user.ts";
import { until } from "./until.ts";

export type PresenceAnswer = {
  id: string;
  status: string;
  lastSeen: string | null;
  devices: string[];
  currentRoom: { id: string } | null;
  customStatus: string | null;
  doNotDisturbUntil: string | null;
};
export const presenceFields = `id status lastSeen devices currentRoom { id } customStatus doNotDisturbUntil`;
const presenceDocument = `subscription ($userIds: [ID!], $roomId: ID) {
  presence(userIds: $userIds, roomId: $roomId) { ${presenceFields} } }`;
const typingDocument = `subscription ($roomId: ID!) { typing(roomId: $roomId) { room { id } users { id name } } }`;

/** OFFLINE and nothing else, as for one who is not to be seen any more. */
export const hidden = (id: string): PresenceAnswer => ({
  id,
  status: "OFFLINE",
  lastSeen: null,
  devices: [],
  currentRoom: null,
  customStatus: null,
  doNotDisturbUntil: null,
});

/** One open connection of a user, as a tab or an app has it. */
export class TestDevice implements AsyncDisposable {
  readonly user: TestUser;
  readonly #client: Client;

  private constructor(user: TestUser, client: Client) {
    this.user = user;
    this.#client = client;
  }

  /** Comes back when the server has acknowledged the connection. */
  static async open(
    user: TestUser,
    params: Record<string, unknown> = {},
    { retryAttempts = 0 }: { retryAttempts?: number } = {},
  ): Promise<TestDevice> {
    const connected = Promise.withResolvers<void>();
    const client = createClient({
      url: `${user.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { authorization: `Bearer ${user.token}`, ...params },
      lazy: false,
      retryAttempts,
      onNonLazyError: connected.reject,
      on: { connected: () => connected.resolve() },
    });
    await connected.promise;
    return new TestDevice(user, client);
  }

  /** Over the connection. */
  async must<Data>(query: string, variables: Record<string, unknown> = {}): Promise<Data> {
    for await (const { data, errors } of this.#client.iterate<Data>({ query, variables })) {
      if (errors || !data) throw new Error(JSON.stringify(errors));
      return data;
    }
    throw new Error("No answer.");
  }

  async setPresence(
    input: Record<string, unknown>,
  ): Promise<{ presence: PresenceAnswer | null; userErrors: UserErrorAnswer[] }> {
    type Data = { setPresence: { presence: PresenceAnswer | null; userErrors: UserErrorAnswer[] } };
    const query = `mutation ($input: SetPresenceInput!) { setPresence(input: $input) {
      presence { ${presenceFields} } userErrors { __typename code message path } } }`;
    return (await this.must<Data>(query, { input })).setPresence;
  }

  async setTyping(roomId: string, isTyping: boolean): Promise<UserErrorAnswer[]> {
    type Data = { setTyping: { userErrors: UserErrorAnswer[] } };
    const query = `mutation ($input: SetTypingInput!) { setTyping(input: $input) { userErrors { __typename code message path } } }`;
    return (await this.must<Data>(query, { input: { roomId, isTyping } })).setTyping.userErrors;
  }

  watch<Data>(query: string, variables: Record<string, unknown>): Received<Answer<Data>> {
    return new Received((sink) => this.#client.subscribe<Data>({ query, variables }, sink));
  }

  presence(of: { userIds?: string[]; roomId?: string }): Observed {
    return new Observed(this.watch(presenceDocument, of));
  }

  typing(roomId: string): Typists {
    return new Typists(this.watch(typingDocument, { roomId }));
  }

  /** Says goodbye. */
  async close(): Promise<void> {
    await this.#client.dispose();
  }

  /** Without a word. */
  cut(): void {
    this.#client.terminate();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What a subscription to presence adds up to. */
export class Observed implements AsyncDisposable {
  readonly received: Received<Answer<{ presence: PresenceAnswer[] }>>;

  constructor(received: Received<Answer<{ presence: PresenceAnswer[] }>>) {
    this.received = received;
  }

  get lists(): PresenceAnswer[][] {
    return this.received.all.map(({ data, errors }) => {
      if (!data) throw new Error(JSON.stringify(errors));
      return data.presence;
    });
  }

  /** By user, the last that was told. */
  get states(): Map<string, PresenceAnswer> {
    return new Map(this.lists.flat().map((state) => [state.id, state]));
  }

  /** All that was told of this user, oldest first. */
  of(userId: string): PresenceAnswer[] {
    return this.lists.flat().filter(({ id }) => id === userId);
  }

  next(timeoutMs?: number): Promise<PresenceAnswer[]> {
    return this.received.next(timeoutMs).then(({ data, errors }) => {
      if (!data) throw new Error(JSON.stringify(errors));
      return data.presence;
    });
  }

  /** Resolves once the last that was told of the user is so. */
  async sees(userId: string, expected: Partial<PresenceAnswer>, timeoutMs = 10_000): Promise<PresenceAnswer> {
    await this.received
      .until(() => fits(this.states.get(userId), expected), timeoutMs)
      .catch((cause: unknown) => {
        const told = JSON.stringify(this.of(userId).slice(-3));
        throw new Error(`${userId} is not seen ${JSON.stringify(expected)}; last: ${told}`, { cause });
      });
    return this.states.get(userId)!;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.received.stop();
  }
}

function fits(state: PresenceAnswer | undefined, expected: Partial<PresenceAnswer>): boolean {
  const names = Object.keys(expected) as (keyof PresenceAnswer)[];
  return state !== undefined && names.every((name) => JSON.stringify(state[name]) === JSON.stringify(expected[name]));
}

type TypingAnswer = { typing: { room: { id: string }; users: { id: string; name: string }[] } };

/** What a subscription to typing tells. */
export class Typists implements AsyncDisposable {
  readonly received: Received<Answer<TypingAnswer>>;

  constructor(received: Received<Answer<TypingAnswer>>) {
    this.received = received;
  }

  /** Each list that was told, as ids. */
  get lists(): string[][] {
    return this.received.all.map(({ data }) => data!.typing.users.map(({ id }) => id));
  }

  async next(timeoutMs?: number): Promise<string[]> {
    const { data, errors } = await this.received.next(timeoutMs);
    if (!data) throw new Error(JSON.stringify(errors));
    return data.typing.users.map(({ id }) => id);
  }

  /** Resolves once these are the ones who type. */
  are(userIds: string[], timeoutMs?: number): Promise<void> {
    return this.received.until(() => this.lists.at(-1)?.join() === userIds.join(), timeoutMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.received.stop();
  }
}

export async function presenceOf(user: TestUser, userIds: string[]): Promise<PresenceAnswer[]> {
  type Data = { presence: PresenceAnswer[] };
  const query = `query ($userIds: [ID!]!) { presence(userIds: $userIds) { ${presenceFields} } }`;
  return (await user.must<Data>(query, { userIds })).presence;
}

/** Time is the fact here. */
export async function passes(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  await until(`${ms} ms pass`, () => performance.now() >= endMs, ms * 2 + 10_000);
}
