import { createClient, type ExecutionResult } from "graphql-ws";
import {
  RoomEventsDocument,
  SendMessageDocument,
  type RoomEventsSubscription,
  type RoomEventsSubscriptionVariables,
  type SendMessageMutation,
} from "../../../src/client/generated/operations.ts";
import type { FeedItem, OtherClient, OtherClientOptions } from "./other-client.ts";

/** graphql-ws alone: a new subscription after each break, from the newest cursor. */
export function openPlainClient({ url, getToken, webSocketImpl }: OtherClientOptions): OtherClient {
  const client = createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    retryAttempts: 0,
    webSocketImpl,
  });
  const life = new AbortController();

  async function watch(roomId: string, onItem: (item: FeedItem) => void) {
    let after: string | undefined;
    while (!life.signal.aborted) {
      const variables: RoomEventsSubscriptionVariables = { roomId, after };
      try {
        for await (const { data } of client.iterate<RoomEventsSubscription>({
          query: RoomEventsDocument.toString(),
          variables,
        })) {
          const item = data!.roomEvents;
          after = "cursor" in item ? item.cursor : item.cursors[0];
          onItem(item);
        }
        // The room is over for this user.
        return;
      } catch {
        // Disconnected: on from the newest cursor in a moment.
        await new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100));
      }
    }
  }

  return {
    watch: (roomId, onItem) => void watch(roomId, onItem),
    send(input) {
      const query = SendMessageDocument.toString();
      return new Promise((resolve, reject) => {
        client.subscribe<SendMessageMutation>(
          { query, variables: { input } },
          {
            next: ({ data }: ExecutionResult<SendMessageMutation>) => resolve(data!),
            error: reject,
            complete: () => {},
          },
        );
      });
    },
    close() {
      life.abort();
      client.terminate();
    },
  };
}
