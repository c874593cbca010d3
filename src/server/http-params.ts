import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { OperationRequest } from "../graphql/operations.ts";
import { HttpRefusal } from "./http-refusal.ts";

const maxBodyBytes = 256 * 1024;

type Params = Record<string, unknown>;

/**
 * What a request asks for, by GraphQL over HTTP: POST with JSON, or GET.
 * @throws HttpRefusal for whatever is not that, batches and forms included
 */
export async function readParams(request: IncomingMessage): Promise<OperationRequest> {
  if (request.method === "GET") return checked(paramsOfUrl(request.url ?? ""));
  if (request.method !== "POST") throw new HttpRefusal(405, "Send GET or POST.", { headers: { Allow: "GET, POST" } });
  checkType(request);
  return checked(parsed((await readBody(request)) ?? "", "The body"));
}

/** Anything but JSON could come from another site's form, without the browser asking first. */
function checkType({ headers }: IncomingMessage): void {
  const [type, ...parameters] = (headers["content-type"] ?? "").toLowerCase().split(";");
  const charset = parameters.map((text) => text.trim()).find((text) => text.startsWith("charset="));
  const isUtf8Charset = charset === undefined || /^charset="?utf-?8"?$/.test(charset);
  if (type?.trim() !== "application/json" || !isUtf8Charset)
    throw new HttpRefusal(415, "The body must be application/json, in UTF-8.");
  if (headers["content-encoding"] !== undefined) throw new HttpRefusal(415, "The body must not be compressed.");
}

function tooLarge(): HttpRefusal {
  // The rest of the body is not read.
  return new HttpRefusal(413, `The body is larger than ${maxBodyBytes} bytes.`, { headers: { Connection: "close" } });
}

/** How long it may take is the server's to say (`requestTimeout`). */
function readBody(request: IncomingMessage): Promise<string> {
  if (Number(request.headers["content-length"]) > maxBodyBytes) return Promise.reject(tooLarge());
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxBodyBytes) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge());
      }
    });
    request.on("end", () => {
      const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
      if (isUtf8(body)) resolve(body.toString());
      else reject(new HttpRefusal(400, "The body is not UTF-8."));
    });
    // Without it, the client would be gone without an end.
    request.on("error", () => reject(new HttpRefusal(400, "The request was cut off.")));
  });
}

function paramsOfUrl(url: string): Params {
  const { searchParams } = new URL(url, "http://localhost");
  const json = (name: string) => {
    const text = searchParams.get(name);
    return text ? parsed(text, `\`${name}\``) : undefined;
  };
  return {
    query: searchParams.get("query") ?? undefined,
    operationName: searchParams.get("operationName") || undefined,
    variables: json("variables"),
    extensions: json("extensions"),
  };
}

function parsed(text: string, what: string): Params {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new HttpRefusal(400, `${what} is not JSON.`);
  }
  if (Array.isArray(value)) throw new HttpRefusal(400, `${what} is a list; there are no batches.`);
  if (typeof value !== "object" || value === null) throw new HttpRefusal(400, `${what} is not an object.`);
  return value as Params;
}

function checked({ query, operationName, variables, extensions }: Params): OperationRequest {
  const isObject = (value: unknown) => typeof value === "object" && !Array.isArray(value);
  const wrong =
    (query !== undefined && query !== null && typeof query !== "string" && "query") ||
    (operationName !== undefined && operationName !== null && typeof operationName !== "string" && "operationName") ||
    (variables !== undefined && !isObject(variables) && "variables") ||
    (extensions !== undefined && !isObject(extensions) && "extensions");
  if (wrong) throw new HttpRefusal(400, `\`${wrong}\` has the wrong type.`);
  if (!query && !extensions) throw new HttpRefusal(400, "The request has no `query`.");
  return { query, operationName, variables, extensions } as OperationRequest;
}
