import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { renderGraphiQL } from "@graphql-yoga/render-graphiql";
import { setPageHeaders } from "./security-headers.ts";

type Page = { html: Buffer; scriptHash: string };

const options = {
  title: "Causerie",
  defaultQuery: "{ viewer { id name } }",
  // What a token from the sign-in goes into.
  defaultHeaders: JSON.stringify({ authorization: "Bearer " }),
};

let page: Page | undefined;

/** A browser that was sent to the address of the API. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.accept !== undefined && headers.accept.includes("text/html");
}

/** GraphiQL, all of it in one page. It needs no token; what it asks for does. */
export function sendGraphiQL(response: ServerResponse): void {
  const { html, scriptHash } = (page ??= makePage());
  setPageHeaders(response, {
    scripts: `'sha256-${scriptHash}'`,
    // Its editor writes styles into the page, and runs its language services in workers.
    styles: "'unsafe-inline'",
    workers: "blob:",
  });
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Length": html.length }).end(html);
}

function makePage(): Page {
  const html = renderGraphiQL(options);
  const script = /<script>(.*)<\/script>/s.exec(html)?.[1];
  if (script === undefined) throw new Error("GraphiQL's page has no script.");
  return { html: Buffer.from(html), scriptHash: hash("sha256", script, "base64") };
}
