import type { ServerResponse } from "node:http";
import { answerHeaders } from "./security-headers.ts";

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { ...answerHeaders, "Content-Type": "application/json" }).end(JSON.stringify(body));
}
