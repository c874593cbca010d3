import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import { print } from "graphql";
import { createClient } from "graphql-ws";
import { RoomEventsDocument, SendMessageDocument } from "./generated/chat.ts";
import type { RoomEventsSubscription, SendMessageInput } from "./generated/chat.ts";

export interface ChatOptions {
  /** Of GraphQL over WebSocket, `wss://chat.example/graphql` say. */
  url: string;
  getToken: () => Promise<string>;
  webSocketImpl?: unknown;
}

export function createChat({ url, getToken, webSocketImpl }: ChatOptions) {
  const client = createClient({
    url,
    webSocketImpl,
    // Asked at each connection: a token that has ended closes the socket with 4403, and the next one opens another.
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    // By itself it would begin again with the old cursor.
    retryAttempts: 0,
  });

  async function* run<Data, Variables extends Record<string, unknown>>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ): AsyncGenerator<Data> {
    for await (const { data, errors } of client.iterate<Data>({ query: print(document), variables })) {
      if (errors) throw errors;
      yield data!;
    }
  }

  /** Every event after that cursor, then those that come, whatever breaks meanwhile; ends when the user is removed from the room. */
  async function* watch(roomId: string, after?: string): AsyncGenerator<RoomEventsSubscription["roomEvents"]> {
    for (;;) {
      try {
        for await (const { roomEvents: item } of run(RoomEventsDocument, { roomId, after })) {
          after = item.__typename === "CaughtUp" ? item.cursors[0] : item.cursor;
          yield item;
        }
        return;
      } catch (error) {
        // A list of errors is a refusal (NOT_FOUND, CURSOR_RESET, …); anything else is a connection that broke.
        if (Array.isArray(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 500 + Math.random() * 1_000));
    }
  }

  /** With a `clientMessageId` it may be repeated until there is an answer: it is posted once. */
  async function send(input: SendMessageInput) {
    for await (const { sendMessage } of run(SendMessageDocument, { input })) return sendMessage;
    throw new Error("There was no answer.");
  }

  return { watch, send };
}
