import { parse } from "graphql";
import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import type {
  RoomEventsSubscription,
  SendMessageInput,
  SendMessageMutation,
  TypedDocumentString,
} from "../../../src/client/generated/operations.ts";

export type FeedItem = RoomEventsSubscription["roomEvents"];

/** Somebody else's client, set up as a frontend would. */
export interface OtherClient {
  /** Every item of the room's feed; goes on after each break. */
  watch(roomId: string, onItem: (item: FeedItem) => void): void;
  send(input: SendMessageInput): Promise<SendMessageMutation>;
  close(): void;
}

export interface OtherClientOptions {
  /** Of the server, `http://…`. */
  url: string;
  getToken: () => Promise<string>;
  webSocketImpl: typeof WebSocket;
}

/** What codegen makes with `documentMode: "documentNode"`, of what it made as texts. */
export function typed<Data, Variables>(
  document: TypedDocumentString<Data, Variables>,
): TypedDocumentNode<Data, Variables> {
  return parse(document.toString());
}
