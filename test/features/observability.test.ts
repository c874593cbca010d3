import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { TestBus } from "../guarantees/test-bus.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isA, isCaughtUp } from "../support/items.ts";
import { seriesOf } from "../support/series.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

type Line = Record<string, unknown> & { msg: string };

const lines: Line[] = [];
let text = "";
let app: TestApp;
let alice: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      for (const line of chunk.toString().trim().split("\n")) lines.push(JSON.parse(line) as Line);
      done();
    },
  });
  app = await startTestApp({
    log: pino({ level: "info" }, sink),
    env: { DATABASE_REPLICA_URLS: "postgresql://nobody@127.0.0.1:1/none" },
  });
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(app, "bob");
  roomId = await alice.createRoom("Seen", ["bob"]);
});

afterAll(async () => {
  await bob[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await app.close();
});

const socketUrl = () => `${app.url.replace("http", "ws")}/graphql`;
const metricsText = async () => (await fetch(`${app.url}/metrics`)).text();
const series = () => seriesOf(app);

async function lineOf(fits: (line: Line) => boolean): Promise<Line> {
  await until("the request is in the log", () => lines.some(fits));
  return lines.find(fits)!;
}

function post(query: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${app.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${alice.token}`, ...headers },
    body: JSON.stringify({ query }),
  });
}

describe("the log", () => {
  test("has one line a request over HTTP, under the id that it came with", async () => {
    const response = await post("query Me { viewer { id } }", { "x-request-id": "from-the-proxy.1" });
    expect(response.headers.get("x-request-id")).toBe("from-the-proxy.1");
    await response.text();
    const line = await lineOf(({ request }) => request === "from-the-proxy.1");
    expect(line).toMatchObject({
      door: "http",
      user: "alice",
      operation: "Me",
      type: "query",
      code: "OK",
      status: 200,
    });
    expect(line.ms).toBeGreaterThan(0);
    expect(lines.filter(({ request }) => request === "from-the-proxy.1")).toHaveLength(1);
  });

  test("makes an id where the one given is not sane", async () => {
    const response = await post("{ viewer { id } }", { "x-request-id": `a b"c` });
    expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("has one line for each operation of a WebSocket, with the code of what was refused as data", async () => {
    const query = `mutation Post($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }`;
    const input = { roomId: "00000000-0000-4000-8000-000000000000", content: "a secret text", clientMessageId: "c" };
    await using received = bob.watch(query, { input });
    await received.next();
    const line = await lineOf(({ operation }) => operation === "Post");
    expect(line).toMatchObject({ door: "websocket", user: "bob", type: "mutation", code: "NOT_FOUND" });
    expect(line.request).toMatch(/\.\d+$/);
  });

  test("has one line for an event stream, once it is over", async () => {
    const aborted = new AbortController();
    const response = await fetch(`${app.url}/graphql`, {
      method: "POST",
      signal: aborted.signal,
      headers: {
        "content-type": "application/json",
        accept: "text/event-stream",
        authorization: `Bearer ${alice.token}`,
      },
      body: JSON.stringify({ query: `subscription Follow { roomEvents(roomId: "${roomId}") { __typename } }` }),
    });
    await response.body!.getReader().read();
    aborted.abort();
    const line = await lineOf(({ operation }) => operation === "Follow");
    expect(line).toMatchObject({ door: "sse", user: "alice", type: "subscription", code: "OK" });
  });

  test("tells the handshake of a WebSocket its id", async () => {
    const socket = new WebSocket(socketUrl(), "graphql-transport-ws", {
      headers: { "x-request-id": "socket-1" },
    });
    const [response] = (await once(socket, "upgrade")) as [{ headers: Record<string, string> }];
    expect(response.headers["x-request-id"]).toBe("socket-1");
    socket.terminate();
  });

  test("has the code of what is refused before GraphQL: a page of another origin, at both doors", async () => {
    const origin = "https://elsewhere.example";
    const response = await post("{ viewer { id } }", { origin, "x-request-id": "other-page" });
    expect(response.status).toBe(403);
    expect(await lineOf(({ request }) => request === "other-page")).toMatchObject({ code: "FORBIDDEN", status: 403 });
    const headers = { "x-request-id": "other-socket" };
    const socket = new WebSocket(socketUrl(), "graphql-transport-ws", { origin, headers });
    const [, refusal] = (await once(socket, "unexpected-response")) as [unknown, { headers: Record<string, string> }];
    expect(refusal.headers["x-request-id"]).toBe("other-socket");
    const line = await lineOf(({ request }) => request === "other-socket");
    expect(line).toMatchObject({ door: "websocket", code: "FORBIDDEN", status: 403 });
  });

  test("has the code of a WebSocket whose token is not good", async () => {
    const headers = { "x-request-id": "bad-token" };
    const socket = new WebSocket(socketUrl(), "graphql-transport-ws", { headers });
    await once(socket, "open");
    socket.send(JSON.stringify({ type: "connection_init", payload: { authorization: "Bearer no.such.token" } }));
    const [code] = (await once(socket, "close")) as [number];
    expect(code).toBe(4403);
    const line = await lineOf(({ request }) => request === "bad-token");
    expect(line).toMatchObject({ door: "websocket", code: "UNAUTHENTICATED" });
    expect(text).not.toContain("no.such.token");
  });

  test("holds no token and no content", async () => {
    await alice.send(roomId, "what nobody else may read");
    await until("all of it is there", () => lines.some(({ type }) => type === "mutation"));
    for (const secret of [alice.token, bob.token, "what nobody else may read", "a secret text"])
      expect(text).not.toContain(secret);
  });
});

describe("metrics", () => {
  test("move when what they count happens", async () => {
    const before = await series();
    await using live = bob.roomEvents(roomId);
    await live.find(isCaughtUp);
    await using resumed = alice.roomEvents(roomId, { after: beginningOf(roomId) });
    await resumed.find(isCaughtUp);
    const during = await series();
    await alice.send(roomId, "counted");
    await live.find(isA("MessageSent"));
    await post("{ nothing }");
    await alice.must(
      `query ($id: ID!) { room(id: $id) { messages(last: 1, before: "${await newestPlace()}") { edges { cursor } } } }`,
      { id: roomId },
    );
    const after = await series();
    const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
    for (const name of [
      `causerie_events_in_total{route="here"}`,
      `causerie_events_out_total{how="live"}`,
      `causerie_events_out_total{how="catch-up"}`,
      `causerie_delivery_latency_seconds_count{route="here"}`,
      `causerie_catch_ups_total{reason="resumed"}`,
      `causerie_catch_up_pages_total`,
      `causerie_send_batch_messages_count`,
      `causerie_database_wait_seconds_count`,
      `causerie_rejected_requests_total{code="INVALID"}`,
      `causerie_request_seconds_count{door="http"}`,
      `causerie_history_pages_total{source="down"}`,
    ])
      expect(grown(name), name).toBeGreaterThan(0);
    expect(during.get(`causerie_subscriptions{field="roomEvents"}`)).toBe(2);
    expect(during.get(`causerie_connections{kind="websocket"}`)).toBe(2);
    expect(during.get("causerie_groups")).toBe(1);
    expect(after.get("causerie_bus_up")).toBe(1);
  });

  test("count a refusal of every code that the schema has, as data or not", async () => {
    const codesOf = async (type: string) => {
      const query = `{ __type(name: "${type}") { enumValues { name } } }`;
      const { __type } = await alice.must<{ __type: { enumValues: { name: string }[] } }>(query);
      return __type.enumValues.map(({ name }) => name);
    };
    const codes = [...(await codesOf("ErrorCode")), ...(await codesOf("UserErrorCode"))];
    const counted = await series();
    for (const code of codes) expect(counted.has(`causerie_rejected_requests_total{code="${code}"}`), code).toBe(true);
  });

  test("count a subscription no longer once it is over", async () => {
    await using live = bob.roomEvents(roomId);
    await live.find(isCaughtUp);
    live.stop();
    await until("none is open", async () => (await series()).get(`causerie_subscriptions{field="roomEvents"}`) === 0);
  });

  test("latency is told once for each event and group, whatever the number of subscribers", async () => {
    const count = async () => (await series()).get(`causerie_delivery_latency_seconds_count{route="here"}`)!;
    await using first = bob.roomEvents(roomId);
    await using second = bob.roomEvents(roomId);
    await using third = alice.roomEvents(roomId);
    for (const received of [first, second, third]) await received.find(isCaughtUp);
    const before = await count();
    await alice.send(roomId, "for three");
    for (const received of [first, second, third]) await received.find(isA("MessageSent"));
    expect((await count()) - before).toBe(1);
  });

  test("tell by which way another node came to an event, and that the bus lost one", async () => {
    const bus = new TestBus();
    await using here = await startTestApp({ bus: bus.open(), env: { NODE_ID: "here" } });
    await using there = await startTestApp({
      bus: bus.open(),
      databaseUrl: here.databaseUrl,
      env: { NODE_ID: "there" },
    });
    await using sender = await TestUser.open(here, "alice");
    await using reader = await TestUser.open(there, "bob");
    const sharedId = await sender.createRoom("Shared", ["bob"]);
    await using live = reader.roomEvents(sharedId);
    await live.find(isCaughtUp);
    const ways = async () => {
      const found = await seriesOf(there);
      const latency = (route: string) => found.get(`causerie_delivery_latency_seconds_count{route="${route}"}`);
      return {
        heard: found.get(`causerie_events_in_total{route="bus"}`),
        bus: latency("bus"),
        database: latency("database"),
        gaps: found.get("causerie_bus_gaps_total"),
      };
    };
    await sender.send(sharedId, "carried");
    await live.find((item) => item.message?.content === "carried");
    expect(await ways()).toEqual({ heard: 1, bus: 1, database: 0, gaps: 0 });
    bus.fate = "lost";
    await sender.send(sharedId, "lost");
    await live.find((item) => item.message?.content === "lost");
    expect(await ways()).toEqual({ heard: 1, bus: 1, database: 1, gaps: 1 });
  });

  test("are all drawn by the dashboard, which draws no others", async () => {
    const file = new URL("../../docs/grafana-dashboard.json", import.meta.url);
    const { panels } = JSON.parse(await readFile(file, "utf8")) as { panels: { targets: { expr: string }[] }[] };
    const drawn = new Set(
      panels
        .flatMap(({ targets }) => targets)
        .flatMap(({ expr }) => expr.match(/causerie_\w+/g) ?? [])
        .map((name) => name.replace(/_(bucket|sum|count)$/, "")),
    );
    const exported = [...(await metricsText()).matchAll(/^# TYPE (causerie_\w+)/gm)].map(([, name]) => name!);
    expect([...drawn].sort()).toEqual([...new Set(exported)].sort());
  });
});

async function newestPlace(): Promise<string> {
  const query = `query ($id: ID!) { room(id: $id) { messages(last: 1) { edges { cursor } } } }`;
  const { room } = await alice.must<{ room: { messages: { edges: { cursor: string }[] } } }>(query, { id: roomId });
  return room.messages.edges[0]!.cursor;
}
