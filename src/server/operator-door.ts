import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { userIdIn } from "../accounts/user-id.ts";
import { Refusal } from "../errors.ts";
import { bearer } from "./authentication.ts";
import { HttpRefusal } from "./http-refusal.ts";

const maxBodyBytes = 4_096;

/** What operators can have done about a user. Each gives lines of an answer. */
export type OperatorActions = Readonly<Record<string, (userId: string) => AsyncIterable<object>>>;
export type OperatorDoor = (request: IncomingMessage, response: ServerResponse, path: string) => Promise<void>;

export const operatorPath = "/operator/";

/**
 * `POST /operator/<action> {"userId": "…"}` with `Authorization: Bearer <OPERATOR_TOKEN>`, answered with JSON lines as they
 * come; a failure is the last one, `{"error": {"code", "message"}}`.
 */
export function createOperatorDoor(use: {
  token: string;
  actions: OperatorActions;
  onFault: (fault: unknown) => void;
}): OperatorDoor {
  const expected = digest(use.token);

  async function* linesOf(lines: AsyncIterable<object>): AsyncGenerator<string> {
    try {
      for await (const line of lines) yield `${JSON.stringify(line)}\n`;
    } catch (error) {
      if (!(error instanceof Refusal)) use.onFault(error);
      yield `${JSON.stringify(told(error))}\n`;
    }
  }

  async function open(request: IncomingMessage, path: string): Promise<AsyncIterable<object>> {
    const token = bearer(request.headers.authorization);
    if (token === null || !timingSafeEqual(digest(token), expected))
      throw new HttpRefusal(401, "This needs OPERATOR_TOKEN.", { code: "UNAUTHENTICATED" });
    const name = path.slice(operatorPath.length);
    const action = Object.hasOwn(use.actions, name) ? use.actions[name] : undefined;
    if (!action) throw new HttpRefusal(404, "No such action.", { code: "NOT_FOUND" });
    if (request.method !== "POST") throw new HttpRefusal(405, "Send POST.", { headers: { Allow: "POST" } });
    if (!/^application\/json\b/i.test(request.headers["content-type"] ?? ""))
      throw new HttpRefusal(415, "The body must be application/json.");
    return action(await readUserId(request));
  }

  return async function handle(request, response, path) {
    try {
      const lines = await begun(await open(request, path));
      response.writeHead(200, { "Content-Type": "application/x-ndjson" });
      await pipeline(Readable.from(linesOf(lines)), response);
    } catch (error) {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      if (!(error instanceof HttpRefusal)) throw error;
      response.writeHead(error.status, { ...error.headers, "Content-Type": "application/json", Connection: "close" });
      response.end(JSON.stringify(told(error)));
    }
  };
}

/** What there is once the first line is there: what is refused before is known by the status. */
async function begun(lines: AsyncIterable<object>): Promise<AsyncIterable<object>> {
  const iterator = lines[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    return resumed(first, iterator);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new HttpRefusal(error.code === "NOT_FOUND" ? 404 : 409, error.message, { code: error.code });
  }
}

async function* resumed(first: IteratorResult<object>, rest: AsyncIterator<object>): AsyncGenerator<object> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}

const digest = (text: string) => createHash("sha256").update(text).digest();

function told(error: unknown) {
  if (error instanceof Refusal) return { error: { code: error.code, message: error.message } };
  return { error: { code: "INTERNAL", message: "Something went wrong on the server." } };
}

async function readUserId(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += chunk as string;
    if (text.length > maxBodyBytes) throw new HttpRefusal(413, `The body has at most ${maxBodyBytes} bytes.`);
  }
  const userId = userIdIn(text);
  if (userId === null) throw new HttpRefusal(400, 'The body must be JSON like {"userId": "alice"}.');
  return userId;
}
