import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from "@apollo/client";
import { SetContextLink } from "@apollo/client/link/context";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { RoomEventsDocument, SendMessageDocument, type SendMessageInput } from "./generated/chat.ts";
import { createSocket, type SocketOptions } from "./socket.ts";

const userErrors = ["InputError", "NotFoundError", "ForbiddenError", "ConflictError", "RateLimitedError"];

/** Subscriptions over the WebSocket, the rest over HTTP. */
export function createApolloClient({ url, getToken, webSocketImpl }: SocketOptions): ApolloClient {
  const authorized = new SetContextLink(async () => ({ headers: { authorization: `Bearer ${await getToken()}` } }));
  return new ApolloClient({
    cache: new InMemoryCache({ possibleTypes: { UserError: userErrors } }),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(createSocket({ url, getToken, webSocketImpl })),
      authorized.concat(new HttpLink({ uri: url.replace(/^ws/, "http") })),
    ),
  });
}

/** Or `useSubscription(RoomEventsDocument, { variables: { roomId, after }, fetchPolicy: "no-cache", onData })`. */
export function watchRoom(client: ApolloClient, roomId: string, after?: string) {
  // Events are no state: the cache has nothing to do with them.
  return client.subscribe({ query: RoomEventsDocument, variables: { roomId, after }, fetchPolicy: "no-cache" });
}

export async function sendMessage(client: ApolloClient, input: SendMessageInput) {
  const { data } = await client.mutate({ mutation: SendMessageDocument, variables: { input } });
  return data!.sendMessage;
}
