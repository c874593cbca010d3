import type { Clock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { ConnectionEndpointDocument, type ConnectionEndpointQuery } from "./generated/operations.ts";

/**
 * The address of the node that the user's connection belongs to; undefined where any node will do. `url` is where the server is
 * asked, that of its WebSocket. Never later than a few seconds. @throws what `signal` was aborted with
 */
export type NodeFinder = (where: { url: string; token: string }, signal: AbortSignal) => Promise<string | undefined>;

/** An answer that takes longer is not worth the wait. */
const answerWithinMs = 2_000;

/** Asks the server over HTTP, before the WebSocket is opened. A server whose nodes have no addresses of their own is asked once. */
export function createNodeFinder({ fetchImpl, clock }: { fetchImpl: typeof fetch; clock: Clock }): NodeFinder {
  let isAdvertised = true;
  return async ({ url, token }, signal) => {
    if (!isAdvertised) return undefined;
    try {
      const endpoint = await withDeadline({ clock, timeoutMs: answerWithinMs, signal }, (cut) =>
        ask({ url, token, fetchImpl, signal: cut }),
      );
      isAdvertised = endpoint?.isAdvertised ?? true;
      return endpoint?.isAdvertised ? endpoint.url : undefined;
    } catch {
      // A connection says better what is wrong with the server, if anything is.
      signal.throwIfAborted();
      return undefined;
    }
  };
}

async function ask(options: {
  url: string;
  token: string;
  fetchImpl: typeof fetch;
  signal: AbortSignal;
}): Promise<ConnectionEndpointQuery["connectionEndpoint"] | undefined> {
  const { url, token, fetchImpl, signal } = options;
  const response = await fetchImpl(url.replace(/^ws/, "http"), {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: ConnectionEndpointDocument.toString() }),
    signal,
  });
  const { data } = (await response.json()) as { data?: ConnectionEndpointQuery | null };
  return data?.connectionEndpoint;
}
