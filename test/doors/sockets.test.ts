import { once } from "node:events";
import { createClient } from "graphql-ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { inboxDocument, roomEventsDocument, TestUser } from "../support/user.ts";
import { WireSocket } from "./wire.ts";

let app: TestApp;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  app = await startTestApp({
    env: {
      RATE_LIMITS: "on",
      ALLOWED_ORIGINS: "https://chat.example",
      MAX_SOCKETS_PER_USER: "3",
      MAX_SUBSCRIPTIONS_PER_SOCKET: "4",
    },
  });
  alice = await TestUser.open(app, "alice");
  roomId = await alice.createRoom("Tea");
});
afterAll(() => app.close());

const viewer = "{ viewer { id } }";
const refresh = `mutation ($token: String!) { refreshToken(input: { token: $token }) { expiresAt userErrors { code path } } }`;
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe("the handshake", () => {
  test("of a page of a foreign origin is refused with 403", async () => {
    for (const origin of ["https://evil.example", "https://chat.example.evil.example", "http://chat.example", "null"]) {
      await expect(WireSocket.open(app, { origin })).rejects.toThrow("403");
    }
  });

  test("of a listed origin, of the server's own, and without one is taken", async () => {
    for (const origin of ["https://chat.example", app.url, undefined]) {
      await using wire = await WireSocket.open(app, { origin });
      expect(wire.socket.readyState).toBe(WebSocket.OPEN);
    }
  });

  test("elsewhere than at /graphql is refused with 404", async () => {
    const socket = new WebSocket(`${app.url.replace("http", "ws")}/elsewhere`, "graphql-transport-ws");
    await expect(new Promise((_resolve, reject) => socket.once("error", reject))).rejects.toThrow("404");
  });

  test("agrees on no compression, though offered", async () => {
    await using wire = await WireSocket.open(app, { perMessageDeflate: true });
    expect(wire.socket.extensions).toBe("");
  });
});

describe("a message", () => {
  test("of 64 KiB is read, a larger one closes with 1009", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    const ping = (bytes: number) => `{"type":"ping","payload":{"a":"${"x".repeat(bytes - 34)}"}}`;
    expect(ping(65_536)).toHaveLength(65_536);
    wire.send(ping(65_536));
    expect(await wire.next()).toMatchObject({ type: "pong" });
    wire.send(ping(65_537));
    expect(await wire.closed).toMatchObject({ code: 1009 });
  });

  test("beyond 200 in a second closes with 4008, pings and answers to nothing included", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    for (let sent = 1; sent < 200; sent++) wire.send({ type: "pong" });
    await Promise.race([wire.closed, new Promise((resolve) => wire.socket.ping("", undefined, resolve))]);
    expect(wire.socket.readyState).toBe(WebSocket.OPEN);
    for (let sent = 0; sent < 10; sent++) wire.send({ type: "complete", id: "none" });
    expect(await wire.closed).toEqual({ code: 4008, reason: "Too many messages" });
  });

  test("beyond 200 in a second may be an empty ping of WebSocket itself", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    for (let sent = 0; sent <= 200; sent += 10) {
      for (let index = 0; index < 10; index++) wire.socket.ping();
      await Promise.race([wire.closed, once(wire.socket, "pong")]);
    }
    expect(await wire.closed).toMatchObject({ code: 4008 });
  });

  test("pings that are not waited for end the connection", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    for (let sent = 0; sent <= 200; sent++) wire.socket.ping();
    expect([1006, 4008]).toContain((await wire.closed).code);
  });
});

describe("at most so many", () => {
  test("sockets a user: one more is closed with 4008, another user's is not, and there is room once one is closed", async () => {
    await using stack = new AsyncDisposableStack();
    const sockets = [];
    for (let index = 0; index < 3; index++) sockets.push(stack.use(await WireSocket.begin(app, "bob")));
    const tooMany = stack.use(await WireSocket.open(app));
    tooMany.send({ type: "connection_init", payload: { authorization: `Bearer ${await tokenOf("bob")}` } });
    expect(await tooMany.closed).toEqual({ code: 4008, reason: "Too many sockets" });
    stack.use(await WireSocket.begin(app, "carol"));
    await sockets[0]![Symbol.asyncDispose]();
    await expect
      .poll(() =>
        WireSocket.begin(app, "bob").then(
          (wire) => stack.use(wire),
          () => null,
        ),
      )
      .not.toBeNull();
  });

  test("subscriptions a socket: one more is refused on its operation, the others go on", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    for (let index = 0; index < 4; index++) await wire.ask(`s${index}`, roomEventsDocument, { roomId });
    expect(await wire.ask("s4", inboxDocument)).toMatchObject({
      type: "error",
      payload: [{ message: "A socket has at most 4 subscriptions.", extensions: { code: "RATE_LIMITED" } }],
    });
    expect(await wire.ask("query", viewer)).toMatchObject({ type: "next" });
    await wire.next();
    await alice.send(roomId, "to all four");
    const got = [await wire.next(), await wire.next(), await wire.next(), await wire.next()];
    expect(new Set(got.map(({ id }) => id))).toEqual(new Set(["s0", "s1", "s2", "s3"]));
    wire.send({ id: "s2", type: "complete" });
    expect(await wire.ask("s4", roomEventsDocument, { roomId })).toMatchObject({ type: "next" });
  });

  test("subscriptions a socket: those that were refused do not count", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    for (let index = 0; index < 10; index++) {
      await wire.ask(`s${index}`, roomEventsDocument, { roomId: "none" });
      await wire.next();
    }
    expect(await wire.ask("good", roomEventsDocument, { roomId })).toMatchObject({
      payload: { data: { roomEvents: { __typename: "CaughtUp" } } },
    });
  });
});

describe("a token", () => {
  test("that ends on an open socket closes it with 4403, then", async () => {
    const exp = inSeconds(2);
    await using wire = await WireSocket.begin(app, "alice", { token: await tokenOf("alice", { exp }) });
    wire.subscribe("s", roomEventsDocument, { roomId });
    await wire.next();
    expect(await wire.closed).toEqual({ code: 4403, reason: "Token expired" });
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect(Date.now()).toBeLessThan(exp * 1000 + 1_000);
    // No Complete: a client would take the subscription for ended, and not come back.
    expect(wire.received.map(({ type }) => type)).toEqual(["connection_ack", "next"]);
  });

  test("may be followed by a newer one, and every subscription goes on", async () => {
    const exp = inSeconds(2);
    await using wire = await WireSocket.begin(app, "alice", { token: await tokenOf("alice", { exp }) });
    await wire.ask("s", roomEventsDocument, { roomId });
    const token = await tokenOf("alice", { exp: exp + 3 });
    expect(await wire.ask("r", refresh, { token })).toMatchObject({
      payload: { data: { refreshToken: { expiresAt: new Date((exp + 3) * 1000).toISOString(), userErrors: [] } } },
    });
    await wire.next();
    const first = await Promise.race([
      wire.closed,
      new Promise((resolve) => setTimeout(resolve, exp * 1000 + 500 - Date.now())),
    ]);
    expect(first).toBeUndefined();
    await alice.send(roomId, "still there");
    expect(await wire.next()).toMatchObject({
      id: "s",
      payload: { data: { roomEvents: { message: { content: "still there" } } } },
    });
    expect(await wire.closed).toMatchObject({ code: 4403 });
    expect(Date.now()).toBeGreaterThanOrEqual((exp + 3) * 1000);
  });

  test("may be followed by one that ends sooner", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    await wire.ask("r", refresh, { token: await tokenOf("alice", { exp: inSeconds(2) }) });
    expect(await wire.closed).toMatchObject({ code: 4403 });
  });

  test("of another user is FORBIDDEN, one that is none is INVALID, and the old one's end stays", async () => {
    const exp = inSeconds(3);
    await using wire = await WireSocket.begin(app, "alice", { token: await tokenOf("alice", { exp }) });
    const answerTo = async (id: string, token: string) => {
      const { payload } = await wire.ask(id, refresh, { token });
      await wire.next();
      return (payload as { data: { refreshToken: unknown } }).data.refreshToken;
    };
    expect(await answerTo("1", await tokenOf("bob"))).toEqual({
      expiresAt: null,
      userErrors: [{ code: "FORBIDDEN", path: ["token"] }],
    });
    for (const token of ["none", `${await tokenOf("alice")}x`, await tokenOf("alice", { exp: inSeconds(-60) })]) {
      expect(await answerTo("2", token)).toEqual({
        expiresAt: null,
        userErrors: [{ code: "INVALID", path: ["token"] }],
      });
    }
    expect(await wire.ask("who", viewer)).toMatchObject({ payload: { data: { viewer: { id: "alice" } } } });
    expect(await wire.closed).toMatchObject({ code: 4403 });
    expect(Date.now()).toBeLessThan(exp * 1000 + 1_000);
  });

  test("that lasts longer than a timer of Node can wait closes nothing", async () => {
    await using wire = await WireSocket.begin(app, "alice", {
      token: await tokenOf("alice", { exp: inSeconds(60 * 86_400) }),
    });
    await wire.settle();
    await using other = await WireSocket.begin(app, "alice", { token: await tokenOf("alice", { exp: 1e15 }) });
    await other.settle();
    // A timer that overflowed would have come by now.
    await other.ask("q", viewer);
    expect(wire.socket.readyState).toBe(WebSocket.OPEN);
  });

  test("that ended is followed by a fresh one when a stock client comes back, and its subscription goes on", async () => {
    const lives = [2, 3_600];
    const client = createClient({
      url: `${app.url.replace("http", "ws")}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: async () => ({
        authorization: `Bearer ${await tokenOf("alice", { exp: inSeconds(lives.shift() ?? 3_600) })}`,
      }),
      retryWait: async () => {},
    });
    const items = client.iterate<{ roomEvents: { __typename: string } }>({
      query: roomEventsDocument,
      variables: { roomId },
    });
    expect((await items.next()).value).toMatchObject({ data: { roomEvents: { __typename: "CaughtUp" } } });
    expect((await items.next()).value).toMatchObject({ data: { roomEvents: { __typename: "CaughtUp" } } });
    expect(lives).toEqual([]);
    await client.dispose();
  });
});

test(
  "a peer that says nothing is found dead within 10 s, one that answers pings stays",
  { timeout: 20_000 },
  async () => {
    await using silent = await WireSocket.begin(app, "dora", { autoPong: false });
    await using alive = await WireSocket.begin(app, "dora");
    const beganMs = performance.now();
    expect(await silent.closed).toMatchObject({ code: 1006 });
    expect(performance.now() - beganMs).toBeLessThan(11_000);
    expect(silent.pings.length).toBeGreaterThanOrEqual(1);
    expect(alive.socket.readyState).toBe(WebSocket.OPEN);
    expect(alive.pings.length).toBeGreaterThanOrEqual(1);
  },
);
