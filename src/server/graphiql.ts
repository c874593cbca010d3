import { hash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { renderGraphiQL } from "@graphql-yoga/render-graphiql";
import { pageHeaders } from "./security-headers.ts";

type Page = { html: Buffer; headers: Record<string, string> };

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
  const { html, headers } = (page ??= makePage());
  response.writeHead(200, headers).end(html);
}

function makePage(): Page {
  const html = renderGraphiQL(options);
  const script = /<script>(.*)<\/script>/s.exec(html)?.[1];
  if (script === undefined) throw new Error("GraphiQL's page has no script.");
  return {
    html: Buffer.from(html),
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      ...pageHeaders({
        scripts: `'sha256-${hash("sha256", script, "base64")}'`,
        // Its editor writes styles into the page, and runs its language services in workers.
        styles: "'unsafe-inline'",
        workers: "blob:",
      }),
    },
  };
}
