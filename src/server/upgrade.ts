import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./send-json.ts";

/** So much of a body that is not wanted is read all the same. */
const maxDrainedBytes = 1024 * 1024;

/** Whether the request is to become a WebSocket. Any other is answered, or refused, by `admitUpgrade`. */
export function asksForWebSocket(request: IncomingMessage): boolean {
  const path = (request.url ?? "").split("?", 1)[0];
  return isOfWebSocket(request) && request.method === "GET" && path === "/graphql" && !hasBody(request);
}

/**
 * Of a request that asks for another protocol and is not given it: it is served as if it had not asked. False where it is refused: a
 * WebSocket's beginning that has a body. That is read to its end before: a proxy that is still sending it when its connection is
 * closed takes this server for broken.
 */
export async function admitUpgrade(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  // Node loses what comes after such a request on its connection.
  response.setHeader("Connection", "close");
  if (!isOfWebSocket(request) || !hasBody(request)) return true;
  await readToEnd(request);
  sendJson(response, 400, { error: "A WebSocket does not begin with a body." });
  return false;
}

function isOfWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Or until the client is gone, or is cut off for sending too much. */
function readToEnd(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxDrainedBytes) request.destroy();
  });
  request
    .once("end", resolve)
    .once("close", resolve)
    .on("error", () => resolve());
  return promise;
}
