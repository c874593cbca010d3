import type { DocumentNode } from "graphql";
import { createClient, type Client } from "graphql-ws/client";

type Params = { query: string; operationName?: string | null; variables?: Record<string, unknown> };
type Options = { headers?: Record<string, string>; documentAST?: DocumentNode };

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
    fetch(params, { headers = {}, documentAST } = {}) {
      const given = Object.entries(headers).find(([name]) => name.toLowerCase() === "authorization")?.[1];
      const authorization = given ?? `Bearer ${token() ?? ""}`;
      if (isSubscription(documentAST, params.operationName)) return clientFor(authorization).iterate(params);
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

function isSubscription(document: DocumentNode | undefined, operationName: string | null | undefined): boolean {
  return (document?.definitions ?? []).some(
    (definition) =>
      definition.kind === "OperationDefinition" &&
      definition.operation === "subscription" &&
      (!operationName || definition.name?.value === operationName),
  );
}
