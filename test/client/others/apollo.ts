import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";
import { RoomEventsDocument, SendMessageDocument } from "../../../src/client/generated/operations.ts";
import { typed, type OtherClient, type OtherClientOptions } from "./other-client.ts";
import { resuming } from "./resuming.ts";

const roomEvents = typed(RoomEventsDocument);
const sendMessage = typed(SendMessageDocument);

const eventTypes = [
  "MessageSent",
  "MessageEdited",
  "MessageDeleted",
  "MessagesRead",
  "MemberJoined",
  "MemberUpdated",
  "MemberLeft",
  "RoomUpdated",
];
const errorTypes = ["InputError", "NotFoundError", "ForbiddenError", "ConflictError", "RateLimitedError"];

/** Apollo Client 4: subscriptions over graphql-ws, the rest over HTTP, the normalised cache. */
export function openApolloClient({ url, getToken, webSocketImpl }: OtherClientOptions): OtherClient {
  const socket = createClient({
    url: `${url.replace("http", "ws")}/graphql`,
    connectionParams: async () => ({ authorization: `Bearer ${await getToken()}` }),
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50 + Math.random() * 100)),
    webSocketImpl,
  });
  const authorized = new SetContextLink(async () => ({ headers: { authorization: `Bearer ${await getToken()}` } }));
  const client = new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: { RoomEvent: eventTypes, UserError: errorTypes } }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(resuming(socket)),
      authorized.concat(new HttpLink({ uri: `${url}/graphql` })),
    ),
  });
  return {
    watch(roomId, onItem) {
      client
        // Events are no state: each replaces nothing.
        .subscribe({ query: roomEvents, variables: { roomId }, fetchPolicy: "no-cache" })
        .subscribe({ next: ({ data }) => onItem(data!.roomEvents) });
    },
    async send(input) {
      const { data } = await client.mutate({ mutation: sendMessage, variables: { input } });
      return data!;
    },
    close() {
      client.stop();
      socket.terminate();
      void socket.dispose();
    },
  };
}
