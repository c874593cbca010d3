import { connect } from "node:net";
import fc from "fast-check";
import { type Kitchen, type Mutation, mutated, mutations, operationOf, type Recipe, recipes } from "./inputs.ts";

/** How an HTTP request is made. */
export type RequestRecipe = {
  operation: Recipe;
  form: "post" | "get" | "raw body" | "broken request";
  method: string;
  path: string;
  accept: string;
  contentType: string;
  header: string;
  body: Uint8Array;
  changes: Mutation[];
};

const usual = <Value>(value: Value, ...others: Value[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

export const requestRecipes: fc.Arbitrary<RequestRecipe> = fc.record({
  operation: recipes,
  form: fc.oneof(
    { weight: 6, arbitrary: fc.constant("post" as const) },
    { weight: 3, arbitrary: fc.constant("get" as const) },
    { weight: 1, arbitrary: fc.constant("raw body" as const) },
    { weight: 1, arbitrary: fc.constant("broken request" as const) },
  ),
  method: usual("POST", "GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE", "get", "X"),
  path: usual(
    "/graphql",
    "/graphql?",
    "/",
    "//graphql",
    "/graphql/",
    "/dev/login",
    "/metrics",
    "/readyz",
    "/%00",
    "/..%2f",
    "*",
    "http://x/graphql",
  ),
  accept: usual(
    "application/json",
    "application/graphql-response+json",
    "text/event-stream",
    "*/*",
    "text/html",
    "image/png",
    ";q",
    "",
  ),
  contentType: usual(
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/graphql",
    "x",
    "",
  ),
  header: usual(
    "X-Nothing: 1",
    "Origin: https://evil.example",
    "Content-Encoding: gzip",
    "Transfer-Encoding: chunked",
    "Expect: 100-continue",
    "Upgrade: websocket",
    "Authorization: Bearer x.y.z",
    "Cookie: a=b",
    "Host: [::1",
    "X-Request-Id: \t{}",
    `X-Long: ${"x".repeat(20_000)}`,
    ": x",
    "no colon",
    "X-\u00ff: \u0001",
  ),
  body: fc.uint8Array({ maxLength: 64 }),
  changes: fc.oneof({ weight: 3, arbitrary: fc.constant<Mutation[]>([]) }, { weight: 1, arbitrary: mutations }),
});

/** The bytes of it. */
export function requestOf(recipe: RequestRecipe, { kitchen, token }: { kitchen: Kitchen; token: string }): Buffer {
  const { form, method, path, accept, contentType, header, changes } = recipe;
  const { query, variables, operationName } = operationOf(recipe.operation, kitchen);
  const auth = header.startsWith("Authorization") ? [] : [`Authorization: Bearer ${token}`];
  const host = header.startsWith("Host") ? [] : ["Host: 127.0.0.1"];
  const common = [...host, ...auth, `Accept: ${accept}`, header, "Connection: close"];
  if (form === "get") {
    const params = new URLSearchParams({ query, variables: mutated(JSON.stringify(variables), changes) });
    if (operationName) params.set("operationName", operationName);
    return Buffer.from(`GET /graphql?${params} HTTP/1.1\r\n${common.join("\r\n")}\r\n\r\n`, "latin1");
  }
  const json = mutated(JSON.stringify({ query, variables, operationName }), changes);
  const body = form === "raw body" ? Buffer.from(recipe.body) : Buffer.from(json);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...common,
    `Content-Type: ${contentType}`,
    `Content-Length: ${body.length}`,
  ];
  const head = `${lines.join("\r\n")}\r\n\r\n`;
  return Buffer.concat([Buffer.from(form === "broken request" ? mutated(head, recipe.changes) : head, "latin1"), body]);
}

/** What comes back for these bytes: up to the end of the answer, or the first event of a stream. */
export function answerTo(url: string, request: Buffer, timeoutMs = 10_000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(Number(port), hostname);
    const timer = setTimeout(() => {
      // Of a request that never was complete.
      if (isWhole(request)) reject(new Error(`No answer in time to ${request.toString("latin1").slice(0, 500)}`));
      socket.destroy();
    }, timeoutMs);
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      answer += text;
      if (/^HTTP\/1.1 200[^]*text\/event-stream[^]*\n\n/.test(answer)) socket.destroy();
    });
    // A server that refuses a request before it has read all of it resets the connection.
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.write(request, () => (isWhole(request) ? undefined : socket.end()));
  });
}

/** Has a head with an end, and a body of the length that it says. Empty lines before it are passed over (RFC 9112, 2.2). */
function isWhole(request: Buffer): boolean {
  const text = request.toString("latin1").replace(/^(?:\r?\n)+/, "");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0 || /^(transfer-encoding|expect|upgrade):/im.test(text.slice(0, end))) return false;
  const lengths = [...text.slice(0, end).matchAll(/^content-length: *(\d+)\r?$/gim)];
  return lengths.length === 0 || (lengths.length === 1 && Number(lengths[0]![1]) === text.length - end - 4);
}
