import { pipe, subscribe } from "wonka";
import { createApolloClient, sendMessage as sendByApollo, watchRoom as watchByApollo } from "./apollo.ts";
import type { RoomEventsSubscription, SendMessageInput, SendMessageMutation } from "./generated/chat.ts";
import { createChat, type ChatOptions } from "./graphql-ws.ts";
import { createUrqlClient, sendMessage as sendByUrql, watchRoom as watchByUrql } from "./urql.ts";

export type FeedItem = RoomEventsSubscription["roomEvents"];

export interface Watch {
  roomId: string;
  after?: string;
  onItem: (item: FeedItem) => void;
  /** The server refused. */
  onRefused?: (code: unknown) => void;
}

/** Somebody else's client, as the tests use all of them. */
export interface OtherClient {
  watch(watch: Watch): void;
  send(input: SendMessageInput): Promise<SendMessageMutation["sendMessage"]>;
}

type Refusal = { extensions?: { code?: unknown } };

function openPlain(options: ChatOptions): OtherClient {
  const chat = createChat(options);
  async function watch({ roomId, after, onItem, onRefused }: Watch) {
    try {
      for await (const item of chat.watch(roomId, after)) onItem(item);
    } catch (errors) {
      onRefused?.((errors as Refusal[])[0]?.extensions?.code);
    }
  }
  return { watch: (one) => void watch(one), send: (input) => chat.send(input) };
}

function openApollo(options: ChatOptions): OtherClient {
  const client = createApolloClient(options);
  return {
    watch({ roomId, after, onItem, onRefused }) {
      watchByApollo(client, roomId, after).subscribe(({ data, error }) => {
        if (error) onRefused?.((error as unknown as { errors: Refusal[] }).errors[0]?.extensions?.code);
        else onItem(data!.roomEvents);
      });
    },
    send: (input) => sendByApollo(client, input),
  };
}

function openUrql(options: ChatOptions): OtherClient {
  const client = createUrqlClient(options);
  return {
    watch({ roomId, after, onItem, onRefused }) {
      pipe(
        watchByUrql(client, roomId, after),
        subscribe(({ data, error }) => {
          if (error) onRefused?.(error.graphQLErrors[0]?.extensions.code);
          else onItem(data!.roomEvents);
        }),
      );
    },
    send: (input) => sendByUrql(client, input),
  };
}

export const otherClients: [name: string, open: (options: ChatOptions) => OtherClient][] = [
  ["graphql-ws", openPlain],
  ["Apollo Client", openApollo],
  ["urql", openUrql],
];
