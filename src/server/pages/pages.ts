import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { answerHeaders, pageHeaders, type PagePolicy } from "../security-headers.ts";
import { openBuiltPages } from "./built-pages.ts";
import { pageFileOf, type PageFile } from "./files.ts";

export interface Pages {
  /** Answers with the demo, with GraphiQL, or with a file of theirs; false where the path is none of these. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

export interface PagesOptions {
  /** What the pages are to ask for: a name, or a token of the identity provider. */
  signIn: "name" | "token";
  onFault: (fault: unknown) => void;
}

const demoPolicy: PagePolicy = { scripts: "'self'" };
const graphiqlPolicy: PagePolicy = {
  scripts: "'self'",
  // Its editor writes styles into the page, and runs its language services in workers.
  styles: "'self' 'unsafe-inline'",
  workers: "'self'",
};
const pages: Readonly<Record<string, { name: string; policy: PagePolicy }>> = {
  "/": { name: "index.html", policy: demoPolicy },
  "/graphql": { name: "graphiql.html", policy: graphiqlPolicy },
};
const yearS = 365 * 24 * 3600;

/** Serves what `scripts/build-demo.ts` built; read into memory when somebody first asks for it. */
export function createPages({ signIn, onFault }: PagesOptions): Pages {
  let opening: Promise<Map<string, PageFile>> | undefined;

  async function open(): Promise<Map<string, PageFile>> {
    const files = await openBuiltPages(onFault);
    for (const { name } of Object.values(pages)) {
      const built = files.get(name);
      if (!built) throw new Error(`The build of the pages is not whole: ${name} is missing.`);
      files.set(name, pageFileOf(name, withSignIn(built.body, signIn))!);
    }
    return files;
  }

  return {
    async serve(request, response) {
      const path = (request.url ?? "/").split("?", 1)[0]!;
      const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
      if (!page && !path.startsWith("/assets/")) return false;
      if (request.method !== "GET" && request.method !== "HEAD") return false;
      try {
        opening ??= open();
        const file = (await opening).get(page?.name ?? path.slice(1));
        if (!file) return false;
        await send(file, { request, response, headers: page ? pageHeaders(page.policy) : answerHeaders });
      } catch (fault) {
        sendFailure(response, fault);
      }
      return true;
    },
  };
}

/** A browser that was sent to this address, not a program that asks the API. */
export function wantsPage({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.accept !== undefined && headers.accept.includes("text/html");
}

/** The pages cannot know how this server lets people in: their head says it. */
function withSignIn(html: Buffer, signIn: string): Buffer {
  const start = `<meta name="causerie-sign-in" content="`;
  return Buffer.from(html.toString().replace(`${start}name"`, `${start}${signIn}"`));
}

type Exchange = { request: IncomingMessage; response: ServerResponse; headers: Readonly<Record<string, string>> };

async function send(file: PageFile, { request, response, headers }: Exchange): Promise<void> {
  const known = {
    ...headers,
    "Cache-Control": file.isImmutable ? `public, max-age=${yearS}, immutable` : "no-cache",
    ETag: file.etag,
    Vary: "Accept, Accept-Encoding",
  };
  if (request.headers["if-none-match"] === file.etag) return void response.writeHead(304, known).end();
  const takesCompressed = /\bgzip\b/i.test(request.headers["accept-encoding"] ?? "");
  const isSentCompressed = file.isCompressed && takesCompressed;
  const body = file.isCompressed && !takesCompressed ? await promisify(gunzip)(file.body) : file.body;
  response
    .writeHead(200, {
      ...known,
      "Content-Type": file.type,
      "Content-Length": body.length,
      ...(isSentCompressed && { "Content-Encoding": "gzip" }),
    })
    .end(request.method === "HEAD" ? undefined : body);
}

/** There is no page to be had, and nothing that asking again would change. */
function sendFailure(response: ServerResponse, fault: unknown): void {
  const text = fault instanceof Error ? fault.message : String(fault);
  response.writeHead(503, { ...answerHeaders, "Content-Type": "text/plain; charset=utf-8" });
  response.end(`${text}\n\nThe API is at /graphql.\n`);
}
