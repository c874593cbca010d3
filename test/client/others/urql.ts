import { createClient } from "graphql-ws";
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from "urql";
import { RoomEventsDocument, SendMessageDocument } from "../../../src/client/generated/operations.ts";
import { typed, type OtherClient, type OtherClientOptions } from "./other-client.ts";
import { resuming } from "./resuming.ts";

const roomEvents = typed(RoomEventsDocument);
const sendMessage = typed(SendMessageDocument);

/** urql 5: subscriptions over graphql-ws, the rest over HTTP. */
export function openUrqlClient({ url, getToken, webSocketImpl }: OtherClientOptions): OtherClient {
  const socket = createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100)),
    webSocketImpl,
  });
  const feed = resuming(socket);
  const client = new Client({
    url: `${url}/graphql`,
    preferGetMethod: false,
    async fetch(input, init) {
      const headers = new Headers(init?.headers);
      headers.set("authorization", `Bearer ${await getToken()}`);
      return fetch(input, { ...init, headers });
    },
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: feed.subscribe({ query: query!, variables }, sink),
          }),
        }),
      }),
    ],
  });
  return {
    watch(roomId, onItem) {
      client.subscription(roomEvents, { roomId }).subscribe(({ data }) => data && onItem(data.roomEvents));
    },
    async send(input) {
      const { data, error } = await client.mutation(sendMessage, { input }).toPromise();
      if (error) throw error;
      return data!;
    },
    close() {
      socket.terminate();
      void socket.dispose();
    },
  };
}
