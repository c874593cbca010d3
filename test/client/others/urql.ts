import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "urql";
import { filter, pipe } from "wonka";
import { RoomEventsDocument, SendMessageDocument, type SendMessageInput } from "./generated/chat.ts";
import { createSocket, type SocketOptions } from "./socket.ts";

/** Subscriptions over the WebSocket, the rest over HTTP. */
export function createUrqlClient({ url, getToken, webSocketImpl }: SocketOptions): Client {
  const socket = createSocket({ url, getToken, webSocketImpl });
  async function authorizedFetch(input: RequestInfo | URL, init?: RequestInit) {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${await getToken()}`);
    return fetch(input, { ...init, headers });
  }
  return new Client({
    url: url.replace(/^ws/, "http"),
    preferGetMethod: false,
    fetch: authorizedFetch,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query!, variables }, sink) }),
        }),
      }),
    ],
  });
}

/** Or `useSubscription({ query: RoomEventsDocument, variables: { roomId, after } }, reduce)`. */
export function watchRoom(client: Client, roomId: string, after?: string) {
  const results = client.subscription(RoomEventsDocument, { roomId, after });
  // At the end urql tells the last result once more.
  return pipe(
    results,
    filter(({ hasNext }) => hasNext),
  );
}

export async function sendMessage(client: Client, input: SendMessageInput) {
  const { data, error } = await client.mutation(SendMessageDocument, { input }).toPromise();
  if (error) throw error;
  return data!.sendMessage;
}
