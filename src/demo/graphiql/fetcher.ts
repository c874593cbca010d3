import { GraphQLError, parse, type OperationDefinitionNode } from "graphql";
import { createClient, type Client } from "graphql-ws/client";

type Params = { query: string; operationName?: string | null; variables?: Record<string, unknown> };
type Options = { headers?: Record<string, string> };

/** As GraphiQL wants it: an answer, or the answers of a subscription one by one. */
export type Fetch = (params: Params, options?: Options) => Promise<unknown> | AsyncIterableIterator<unknown>;

/** Queries and mutations go over HTTP, subscriptions over the WebSocket. What the headers editor says goes before the sign-in. */
export function createFetcher(token: () => string | undefined): { fetch: Fetch; reconnect: () => void } {
  let client: Client | undefined;
  let usedAuthorization: string | undefined;

  function clientFor(authorization: string): Client {
    if (client && usedAuthorization === authorization) return client;
    close();
    usedAuthorization = authorization;
    client = createClient({
      url: `${location.origin.replace(/^http/, "ws")}/graphql`,
      connectionParams: { authorization },
    });
    return client;
  }

  function close(): void {
    void client?.dispose();
    client = undefined;
  }

  return {
    fetch(asked, { headers = {} } = {}) {
      const { params, isSubscription } = readParams(asked);
      const given = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
      const authorization = given ?? `Bearer ${token() ?? ""}`;
      if (isSubscription) return clientFor(authorization).iterate(params);
      return post(params, { ...headers, authorization });
    },
    reconnect: close,
  };
}

async function post(params: Params, headers: Record<string, string>): Promise<unknown> {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { accept: "application/json", ...headers, "content-type": "application/json" },
    body: JSON.stringify(params),
  });
  return response.json();
}

/** What the editor says of the document may be of the one before: what was pasted is run faster than it is looked at. */
function readParams(asked: Params): { params: Params; isSubscription: boolean } {
  const operations = operationsOf(asked.query);
  const named = operations.find(({ name }) => name !== undefined && name.value === asked.operationName);
  const run = named ?? (operations.length === 1 ? operations[0] : undefined);
  return {
    params: { ...asked, operationName: named && asked.operationName },
    isSubscription: run?.operation === "subscription",
  };
}

function operationsOf(query: string): OperationDefinitionNode[] {
  try {
    return parse(query).definitions.filter((definition) => definition.kind === "OperationDefinition");
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    // The server says what is wrong with it.
    return [];
  }
}
