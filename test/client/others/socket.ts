import { createClient, type Client, type FormattedExecutionResult } from "graphql-ws";

/**
 * The socket of Apollo Client and urql: connects again without end, and its subscriptions go on where they were. graphql-ws repeats
 * a subscription with the variables that it was given, which it reads anew each time: so the newest cursors are put there.
 */
export function createSocket({ url, getToken, webSocketImpl }: SocketOptions): Client {
  const client = createClient({
    url,
    webSocketImpl,
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: (retries) => wait(Math.random() * Math.min(30_000, 500 * 2 ** retries)),
  });
  return {
    ...client,
    subscribe(payload, sink) {
      const variables = { ...payload.variables };
      const after = [variables.after ?? []].flat() as string[];
      const newest = new Map(after.map((cursor) => [roomOf(cursor), cursor]));
      function next(result: FormattedExecutionResult<never, never>) {
        const { roomEvents, inbox } = (result.data ?? {}) as { roomEvents?: Item; inbox?: Item };
        const { cursor, cursors = [] } = roomEvents ?? inbox ?? {};
        for (const one of cursor === undefined ? cursors : [cursor]) newest.set(roomOf(one), one);
        if (newest.size > 0) variables.after = roomEvents ? [...newest.values()][0] : [...newest.values()];
        sink.next(result);
      }
      return client.subscribe({ ...payload, variables }, { ...sink, next });
    },
  };
}

export interface SocketOptions {
  /** Of GraphQL over WebSocket, `wss://chat.example/graphql` say. */
  url: string;
  getToken: () => Promise<string>;
  webSocketImpl?: unknown;
}

type Item = { cursor?: string; cursors?: string[] };
const roomOf = (cursor: string) => cursor.split(".")[0];
const wait = (delayMs: number) => new Promise<void>((resolve) => setTimeout(resolve, delayMs));
