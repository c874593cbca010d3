import type { IncomingMessage, ServerResponse } from "node:http";
import type { OriginCheck } from "./origins.ts";
import { answerHeaders } from "./security-headers.ts";

/** Browsers ask again after this time. */
const maxAgeS = 600;

/**
 * Lets the pages of allowed origins read what they get, and refuses the requests of all others, whatever they are: then
 * nothing depends on what a browser asks about first. False where the request is answered by that.
 * Tokens come in a header, never in a cookie, so credentials are not allowed for.
 */
export function admitOrigin(request: IncomingMessage, response: ServerResponse, isAllowed: OriginCheck): boolean {
  const { origin, host } = request.headers;
  if (!isAllowed(origin, host)) {
    const errors = [{ message: "Pages of this origin are not let in.", extensions: { code: "FORBIDDEN" } }];
    response.writeHead(403, { ...answerHeaders, "Content-Type": "application/json" }).end(JSON.stringify({ errors }));
    return false;
  }
  if (origin !== undefined) {
    response.setHeader("Access-Control-Allow-Origin", origin);
    response.setHeader("Access-Control-Expose-Headers", "X-Request-Id, Retry-After");
  }
  if (request.method !== "OPTIONS") return true;
  response
    .writeHead(204, {
      ...answerHeaders,
      "Access-Control-Allow-Methods": "GET, POST",
      "Access-Control-Allow-Headers": "Authorization, Content-Type, X-Request-Id, traceparent, tracestate",
      "Access-Control-Max-Age": maxAgeS,
      "Content-Length": 0,
    })
    .end();
  return false;
}
