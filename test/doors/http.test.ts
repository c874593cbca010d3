import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";
import { startSmallServer } from "./small-server.ts";

let app: TestApp;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp({ env: { ALLOWED_ORIGINS: "https://chat.example" } });
  alice = await TestUser.open(app, "alice");
});
afterAll(() => app.close());

const query = "{ viewer { id } }";
type Sent = { method?: string; headers?: Record<string, string>; body?: BodyInit | null; path?: string };

function ask({ method = "POST", headers = {}, body = JSON.stringify({ query }), path = "/graphql" }: Sent = {}) {
  return fetch(`${app.url}${path}`, {
    method,
    headers: { "content-type": "application/json", authorization: `Bearer ${alice.token}`, ...headers },
    body: method === "GET" || method === "HEAD" ? null : body,
  });
}

async function told(response: Response) {
  const { errors } = (await response.json()) as { errors: { message: string; extensions: Record<string, unknown> }[] };
  return { status: response.status, code: errors[0]!.extensions.code };
}

describe("who asks", () => {
  test("must show a token, before anything of the request is looked at: 401", async () => {
    const bad = [undefined, "", "Basic YWxpY2U6eA==", "Bearer", "Bearer x.y.z", alice.token];
    for (const authorization of bad) {
      for (const [accept, body] of [
        ["application/json", "{"],
        ["application/graphql-response+json", "[]"],
        ["text/event-stream", "{}"],
      ] as const) {
        const headers: Record<string, string> = { "content-type": "application/json", accept };
        if (authorization !== undefined) headers.authorization = authorization;
        const response = await fetch(`${app.url}/graphql`, { method: "POST", headers, body });
        expect(response.headers.get("www-authenticate")).toBe("Bearer");
        expect(await told(response)).toEqual({ status: 401, code: "UNAUTHENTICATED" });
      }
    }
    const expired = await tokenOf("alice", { exp: Math.floor(Date.now() / 1000) - 1 });
    expect(await told(await ask({ headers: { authorization: `Bearer ${expired}` } }))).toMatchObject({ status: 401 });
  });

  test("is not asked for by health, GraphiQL's page and what there is not", async () => {
    expect((await fetch(`${app.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${app.url}/readyz`)).status).toBe(200);
    expect((await fetch(`${app.url}/graphql`, { headers: { accept: "text/html" } })).status).toBe(200);
    expect((await fetch(`${app.url}/nothing`)).status).toBe(404);
  });
});

describe("a request that asks for another protocol", () => {
  const body = JSON.stringify({ query });
  const json = `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  /** All that is answered until the server ends the connection. */
  async function answersTo(upgrade: string, rest: string, request = "POST /graphql"): Promise<string> {
    const socket = connect(Number(new URL(app.url).port), "127.0.0.1");
    const head = `Host: x\r\nAuthorization: Bearer ${alice.token}\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\n`;
    socket.write(`${request} HTTP/1.1\r\n${head}${rest}`);
    let text = "";
    for await (const data of socket) text += String(data);
    return text;
  }

  test("that is not spoken here is served as if it had not asked, and ends its connection", async () => {
    const answer = await answersTo("h2c", json);
    expect(answer).toContain("HTTP/1.1 200 OK");
    expect(answer).toContain('{"data":{"viewer":{"id":"alice"}}}');
    expect(await answersTo("h2c", "\r\n", "GET /healthz")).toContain("HTTP/1.1 200 OK");
  });

  test("and has a body is no beginning of a WebSocket, and is refused once all of it was read", async () => {
    const large = "x".repeat(250_000);
    for (const request of ["GET /graphql", "POST /graphql", "POST /nosuch"]) {
      const rest = `Content-Length: ${large.length}\r\n\r\n${large}`;
      expect(await answersTo("websocket", rest, request), request).toContain("HTTP/1.1 400 Bad Request");
    }
  });
});

describe("a page", () => {
  test("of an allowed origin may ask, and read the answer", async () => {
    for (const origin of ["https://chat.example", app.url]) {
      const response = await ask({ headers: { origin } });
      expect(response.status).toBe(200);
      expect(response.headers.get("access-control-allow-origin")).toBe(origin);
      expect(response.headers.get("vary")).toContain("Origin");
      expect(response.headers.get("access-control-expose-headers")).toBe("X-Request-Id, Retry-After");
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  test("of an allowed origin is told so beforehand, what it may send included", async () => {
    const response = await fetch(`${app.url}/graphql`, {
      method: "OPTIONS",
      headers: { origin: "https://chat.example" },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-methods")).toBe("GET, POST");
    expect(response.headers.get("access-control-allow-headers")).toBe(
      "Authorization, Content-Type, X-Request-Id, traceparent, tracestate",
    );
  });

  test.each([
    "https://evil.example",
    "null",
    "https://chat.example.evil.example",
    "http://chat.example",
    "file://",
    "chat.example",
  ])("of the origin %s is refused with 403, beforehand and whatever it sends", async (origin) => {
    for (const method of ["OPTIONS", "POST", "GET"]) {
      const response = await ask({ method, headers: { origin }, path: `/graphql?query=${encodeURIComponent(query)}` });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(await told(response)).toEqual({ status: 403, code: "FORBIDDEN" });
    }
  });

  test("cannot use a name that points here for the dev login; an address and localhost it can", async () => {
    await using dev = await startTestApp({ env: { JWT_SECRET: "", DEV_LOGIN: "on", DATA_DIR: await folder() } });
    const { port } = new URL(dev.url);
    const login = (name: string) =>
      rawStatus(dev.url, [
        "POST /dev/login HTTP/1.1",
        `Host: ${name}:${port}`,
        `Origin: http://${name}:${port}`,
        "Content-Type: application/json",
        "Content-Length: 16",
        "",
        '{"name":"Alice"}',
      ]);
    expect(await login("rebound.example")).toBe(403);
    expect(await login("localhost")).toBe(200);
    expect(await login("127.0.0.1")).toBe(200);
    expect(await login("[::1]")).toBe(200);
  });
});

describe("a body", () => {
  test.each([
    ["text/plain"],
    ["application/x-www-form-urlencoded"],
    ["multipart/form-data; boundary=x"],
    ["application/graphql"],
    ["application/json; charset=utf-16"],
    ["text/json"],
    [""],
  ])("of the type %j is 415", async (type) => {
    expect(await told(await ask({ headers: { "content-type": type } }))).toEqual({ status: 415, code: "INVALID" });
  });

  test("that is compressed is 415", async () => {
    expect(await told(await ask({ headers: { "content-encoding": "gzip" } }))).toMatchObject({ status: 415 });
  });

  test.each([
    ["no JSON", "{"],
    ["nothing", ""],
    ["null", "null"],
    ["a text", '"{ viewer { id } }"'],
    ["a batch", JSON.stringify([{ query }])],
    ["no query", "{}"],
    ["a query of another type", '{"query":{}}'],
    ["variables of another type", JSON.stringify({ query, variables: [] })],
    ["a name of another type", JSON.stringify({ query, operationName: 1 })],
    ["no UTF-8", Buffer.from('{"query":"\xff"}', "latin1")],
  ])("with %s is 400", async (_what, body) => {
    expect(await told(await ask({ body }))).toEqual({ status: 400, code: "INVALID" });
  });

  test("of more than 256 KiB is 413, said so or not", async () => {
    const body = JSON.stringify({ query, variables: { a: "x".repeat(256 * 1024) } });
    expect(await told(await ask({ body }))).toEqual({ status: 413, code: "INVALID" });
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(64 * 1024, 32)) });
    const chunked = await fetch(`${app.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${alice.token}` },
      body: endless,
      duplex: "half",
    } as RequestInit);
    expect(await told(chunked)).toEqual({ status: 413, code: "INVALID" });
  });

  test("names what it wants to run by text, name, variables and extensions, and others are passed over", async () => {
    const body = JSON.stringify({
      query: "query A { __typename } query B($id: ID!) { room(id: $id) { id } }",
      operationName: "B",
      variables: { id: "none" },
      extensions: {},
      other: 1,
    });
    expect(await (await ask({ body })).json()).toEqual({ data: { room: null } });
  });
});

describe("GET", () => {
  const get = (parameters: Record<string, string>, accept = "application/json") =>
    ask({ method: "GET", path: `/graphql?${new URLSearchParams(parameters)}`, headers: { accept } });

  test("reads", async () => {
    const response = await get({ query: "query ($id: ID!) { room(id: $id) { id } }", variables: '{"id":"none"}' });
    expect(await response.json()).toEqual({ data: { room: null } });
  });

  test("changes nothing: 405", async () => {
    const response = await get({ query: 'mutation { createRoom(input: { name: "By GET" }) { room { id } } }' });
    expect(response.headers.get("allow")).toBe("POST");
    expect(await told(response)).toEqual({ status: 405, code: "INVALID" });
    const { rooms } = await alice.must<{ rooms: { edges: unknown[] } }>("{ rooms { edges { cursor } } }");
    expect(rooms.edges).toEqual([]);
  });

  test("with parameters that are none is 400", async () => {
    expect(await told(await get({ query, variables: "{" }))).toEqual({ status: 400, code: "INVALID" });
    expect(await told(await get({ query, extensions: "1" }))).toMatchObject({ status: 400 });
    expect(await told(await get({}))).toMatchObject({ status: 400 });
  });
});

test.each(["PUT", "PATCH", "DELETE"])("%s is 405", async (method) => {
  const response = await ask({ method });
  expect(response.headers.get("allow")).toBe("GET, POST");
  expect(await told(response)).toEqual({ status: 405, code: "INVALID" });
});

test("a subscription that cannot be answered with an event stream is 406", async () => {
  const body = JSON.stringify({ query: "subscription { inbox { __typename } }" });
  const response = await ask({ body, headers: { accept: "application/json" } });
  expect(await told(response)).toEqual({ status: 406, code: "INVALID" });
});

describe("answers", () => {
  test("are not to be guessed at or kept", async () => {
    for (const response of [await ask(), await fetch(`${app.url}/healthz`), await fetch(`${app.url}/nothing`)]) {
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("x-powered-by")).toBeNull();
    }
  });

  test("hold of a fault only a reference that is in the log", async () => {
    const secret = "password=hunter2 at /srv/causerie/secret.ts";
    const fail = () => Promise.reject(new Error(secret));
    await using server = await startSmallServer({
      types: "type Query { fail: String must: String! }",
      resolvers: { Query: { fail, must: fail } },
    });
    const token = await tokenOf("alice");
    const texts = [];
    for (const text of ["{ fail }", "{ must }"]) {
      const response = await fetch(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ query: text }),
      });
      texts.push(await response.text());
    }
    const references = texts.map((text) => /"reference":"([^"]+)"/.exec(text)?.[1]);
    expect(server.faults.map(({ reference }) => reference)).toEqual(references);
    expect(texts.join()).not.toContain("hunter2");
    expect(texts.join()).not.toMatch(/\.ts|node_modules|at /);
  });

  test("hold nothing of a fault while the user is found out: 500", async () => {
    await using server = await startSmallServer({
      types: "type Query { a: Int }",
      resolvers: {},
      signIn: () => Promise.reject(new Error("password=hunter2")),
    });
    const response = await fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await tokenOf("alice")}` },
      body: JSON.stringify({ query: "{ a }" }),
    });
    expect(await told(response)).toEqual({ status: 500, code: "INTERNAL" });
  });

  test("hold nothing internal where the request is odd", async () => {
    for (const host of ["[", "a b", "x:y:z", "localhost:99999999"]) {
      for (const path of ["/graphql?query={viewer{id}}", "/graphql?", "/graphql?query=%zz", "/graphql?variables=%00"]) {
        const text = await raw(app.url, [
          `GET ${path} HTTP/1.1`,
          `Host: ${host}`,
          `Authorization: Bearer ${alice.token}`,
          "Connection: close",
          "",
          "",
        ]);
        expect(text).toMatch(/^HTTP\/1.1 (200|400)/);
        expect(text).not.toMatch(/node_modules|node:|\.[jt]s:\d/);
      }
    }
  });
});

describe("GraphiQL", () => {
  test("runs scripts of this server only, talks to this server only, and stands in no frame", async () => {
    const response = await fetch(`${app.url}/graphql`, { headers: { accept: "text/html,application/xhtml+xml" } });
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none';");
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(response.headers.get("x-frame-options")).toBe("DENY");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    const html = await response.text();
    expect(html).not.toMatch(/<script(?![^>]* src="\/assets\/)/);
    expect(html).not.toMatch(/<(script|link|img)[^>]+(src|href)="https?:/);
  });
});

describe("slow clients", () => {
  test("that send half a header are cut off", { timeout: 30_000 }, async () => {
    const beganMs = performance.now();
    const text = await raw(app.url, ["POST /graphql HTTP/1.1", "Host: localhost", "X-Slow: "]);
    expect(text).toMatch(/^HTTP\/1.1 408/);
    expect(performance.now() - beganMs).toBeLessThan(15_000);
  });

  test("that send half a body are cut off", { timeout: 30_000 }, async () => {
    const beganMs = performance.now();
    const text = await raw(app.url, [
      "POST /graphql HTTP/1.1",
      "Host: localhost",
      `Authorization: Bearer ${alice.token}`,
      "Content-Type: application/json",
      "Content-Length: 1000",
      "",
      '{"query":',
    ]);
    expect(text).toMatch(/^HTTP\/1.1 408/);
    expect(performance.now() - beganMs).toBeLessThan(20_000);
  });
});

/** What comes back until the connection ends. */
async function raw(url: string, lines: string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.write(lines.join("\r\n"));
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await once(socket, "close");
  return text;
}

async function rawStatus(url: string, lines: string[]): Promise<number> {
  const head = lines.indexOf("");
  return Number(
    /^HTTP\/1.1 (\d+)/.exec(await raw(url, [...lines.slice(0, head), "Connection: close", ...lines.slice(head)]))?.[1],
  );
}

const folder = () => mkdtemp(join(tmpdir(), "causerie-doors-"));
