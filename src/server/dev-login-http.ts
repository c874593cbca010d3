import { Refusal } from "../errors.ts";
import type { DevLogin } from "./dev-login.ts";

const maxBodyBytes = 4096;
/** Read, though not kept, of a body whose length was not said. */
const maxReadBytes = 16 * maxBodyBytes;

/**
 * `POST /dev/login {"name": "…"}` → `{"token", "userId", "name", "expiresAt"}`; an error is `{"error": {"code", "message"}}`.
 * How long a body may take to arrive is the HTTP server's to say (`requestTimeout`).
 */
export async function handleDevLogin(
  devLogin: DevLogin,
  request: Request,
  onFault: (fault: unknown) => void,
): Promise<Response> {
  try {
    return await answer(devLogin, request);
  } catch (fault) {
    onFault(fault);
    return failure(500, "INTERNAL", "Something went wrong on the server.");
  }
}

async function answer(devLogin: DevLogin, request: Request): Promise<Response> {
  if (request.method !== "POST")
    return failure(405, "METHOD_NOT_ALLOWED", 'Send POST /dev/login with {"name": "…"}.', { allow: "POST" });
  // A form of another site cannot send this type without the browser asking first (CORS preflight).
  if (mediaType(request) !== "application/json")
    return failure(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json.");
  const body = await readBody(request);
  if (body === null) return failure(413, "TOO_LARGE", `The body has at most ${maxBodyBytes} bytes.`);
  const name = nameIn(body);
  if (name === null) return failure(400, "INVALID", 'The body must be JSON like {"name": "Alice"}.');
  try {
    return json(200, await devLogin.issue(name));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (error.code === "INVALID") return failure(400, error.code, error.message);
    if (error.code === "RATE_LIMITED") return tooMany(error);
    throw error;
  }
}

const mediaType = (request: Request) => request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();

/** Null, with the rest unread, where it is too long. */
async function readBody(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get("content-length")) > maxBodyBytes) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop ends the connection, and the answer with it: only for who does not stop.
    if (bytes > maxReadBytes) return null;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  }
  return bytes > maxBodyBytes ? null : Buffer.concat(chunks);
}

function nameIn(body: Uint8Array): string | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    const name = typeof value === "object" && value !== null && "name" in value ? value.name : null;
    return typeof name === "string" ? name : null;
  } catch (error) {
    // Not UTF-8, or not JSON.
    if (error instanceof TypeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

function tooMany({ code, message, retryAfterMs = 1_000 }: Refusal): Response {
  const headers = { "retry-after": String(Math.ceil(retryAfterMs / 1_000)) };
  return json(429, { error: { code, message, retryAfterMs } }, headers);
}

const failure = (status: number, code: string, message: string, headers: Record<string, string> = {}) =>
  json(status, { error: { code, message } }, headers);

const json = (status: number, body: unknown, headers: Record<string, string> = {}) =>
  Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
