// Each rule of "GraphQL over WebSocket Protocol" (graphql-ws, PROTOCOL.md), on the wire.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { TestUser, roomEventsDocument } from "../support/user.ts";
import { WireSocket } from "./wire.ts";

let app: TestApp;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  roomId = await alice.createRoom("Tea");
});
afterAll(() => app.close());

const viewer = "{ viewer { id } }";
const begin = () => WireSocket.begin(app, "alice");

describe("the subprotocol", () => {
  test("is graphql-transport-ws, also among others", async () => {
    await using wire = await WireSocket.open(app, { protocols: ["graphql-ws", "graphql-transport-ws"] });
    expect(wire.socket.protocol).toBe("graphql-transport-ws");
  });

  test("without it the socket is closed with 4406", async () => {
    await using wire = await WireSocket.open(app, { protocols: [] });
    expect(await wire.closed).toEqual({ code: 4406, reason: "Subprotocol not acceptable" });
  });

  test("the one of subscriptions-transport-ws is not spoken: 4406", async () => {
    expect(await closeCodeOf("graphql-ws")).toBe(4406);
  });
});

describe("ConnectionInit", () => {
  test("with a token is acknowledged", async () => {
    await using wire = await WireSocket.open(app);
    wire.send({ type: "connection_init", payload: { authorization: `Bearer ${alice.token}` } });
    expect(await wire.next()).toEqual({ type: "connection_ack" });
  });

  test("that does not come within 3 s closes with 4408", { timeout: 10_000 }, async () => {
    const beganMs = performance.now();
    await using wire = await WireSocket.open(app);
    expect(await wire.closed).toEqual({ code: 4408, reason: "Connection initialisation timeout" });
    expect(performance.now() - beganMs).toBeGreaterThan(2_900);
    expect(performance.now() - beganMs).toBeLessThan(4_500);
  });

  test("a second one closes with 4429, also before the first is acknowledged", async () => {
    const init = { type: "connection_init", payload: { authorization: `Bearer ${alice.token}` } };
    await using late = await begin();
    late.send(init);
    expect(await late.closed).toEqual({ code: 4429, reason: "Too many initialisation requests" });
    await using early = await WireSocket.open(app);
    early.sendTogether(init, init);
    expect(await early.closed).toMatchObject({ code: 4429 });
  });

  test.each([
    ["no payload", undefined],
    ["no token", {}],
    ["a token that is none", { authorization: "Bearer x.y.z" }],
    ["a token without Bearer", { authorization: "x" }],
    ["a token of another type", { authorization: 5 }],
  ])("with %s closes with 4403", async (_what, payload) => {
    await using wire = await WireSocket.open(app);
    wire.send({ type: "connection_init", payload });
    expect(await wire.closed).toEqual({ code: 4403, reason: "Forbidden" });
  });

  test("with an expired token closes with 4403", async () => {
    await using wire = await WireSocket.open(app);
    const token = await tokenOf("alice", { exp: Math.floor(Date.now() / 1000) - 10 });
    wire.send({ type: "connection_init", payload: { authorization: `Bearer ${token}` } });
    expect(await wire.closed).toMatchObject({ code: 4403 });
  });
});

describe("Ping", () => {
  test("is answered with Pong, before and after the acknowledgement, with the same payload", async () => {
    await using wire = await WireSocket.open(app);
    wire.send({ type: "ping" });
    expect(await wire.next()).toEqual({ type: "pong" });
    await wire.begin(alice.token);
    wire.send({ type: "ping", payload: { sent: [1, { deep: "é" }] } });
    expect(await wire.next()).toEqual({ type: "pong", payload: { sent: [1, { deep: "é" }] } });
    wire.send({ type: "ping", payload: null });
    expect(await wire.next()).toEqual({ type: "pong" });
  });

  test("Pong may come unasked, with any payload", async () => {
    await using wire = await begin();
    wire.send({ type: "pong", payload: { heart: "beat" } });
    wire.send({ type: "pong" });
    await wire.settle();
  });
});

describe("Subscribe", () => {
  test("before the acknowledgement closes with 4401", async () => {
    await using wire = await WireSocket.open(app);
    wire.subscribe("1", viewer);
    expect(await wire.closed).toEqual({ code: 4401, reason: "Unauthorized" });
  });

  test("while the token is being looked at closes with 4401", async () => {
    await using wire = await WireSocket.open(app);
    wire.sendTogether(
      { type: "connection_init", payload: { authorization: `Bearer ${await tokenOf("nobody yet")}` } },
      { id: "1", type: "subscribe", payload: { query: viewer } },
    );
    expect(await wire.closed).toMatchObject({ code: 4401 });
  });

  test("of a query or mutation gets one Next, then Complete", async () => {
    await using wire = await begin();
    expect(await wire.ask("q", viewer)).toEqual({
      id: "q",
      type: "next",
      payload: { data: { viewer: { id: "alice" } } },
    });
    expect(await wire.next()).toEqual({ id: "q", type: "complete" });
    const send = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { content } } }`;
    expect(await wire.ask("m", send, { input: { roomId, content: "hej" } })).toMatchObject({
      type: "next",
      payload: { data: { sendMessage: { message: { content: "hej" } } } },
    });
    expect(await wire.next()).toEqual({ id: "m", type: "complete" });
  });

  test("takes the operation that is named, and variables, extensions and name that are null", async () => {
    await using wire = await begin();
    const query = "query A { a: __typename } query B { b: __typename }";
    wire.send({
      id: "1",
      type: "subscribe",
      payload: { query, operationName: "B", variables: null, extensions: null },
    });
    expect(await wire.next()).toMatchObject({ payload: { data: { b: "Query" } } });
    await wire.next();
    wire.send({ id: "2", type: "subscribe", payload: { query: viewer, operationName: null, extensions: { a: 1 } } });
    expect(await wire.next()).toMatchObject({ type: "next", id: "2" });
  });

  test("with an id that is in use closes with 4409, whatever the operations are", async () => {
    await using wire = await begin();
    wire.subscribe("twice", roomEventsDocument, { roomId });
    await wire.next();
    wire.subscribe("twice", viewer);
    expect(await wire.closed).toEqual({ code: 4409, reason: "Subscriber for twice already exists" });
  });

  test("with an id in use that fits into no close frame closes with 4409 all the same", async () => {
    await using wire = await begin();
    const id = "é".repeat(500);
    const message = { id, type: "subscribe", payload: { query: roomEventsDocument, variables: { roomId } } };
    wire.sendTogether(message, message);
    expect(await wire.closed).toEqual({ code: 4409, reason: "Subscriber already exists" });
  });

  test("may use an id again once its operation has ended, by the server or by the client", async () => {
    await using wire = await begin();
    for (let time = 0; time < 3; time++) {
      expect(await wire.ask("again", viewer)).toMatchObject({ type: "next" });
      expect(await wire.next()).toEqual({ id: "again", type: "complete" });
    }
    wire.subscribe("again", roomEventsDocument, { roomId });
    expect(await wire.next()).toMatchObject({ id: "again", type: "next" });
    wire.send({ id: "again", type: "complete" });
    expect(await wire.ask("again", viewer)).toMatchObject({
      type: "next",
      payload: { data: { viewer: { id: "alice" } } },
    });
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "a\u0000b", '"\\', "💬", "x".repeat(10_000)])(
    "takes the id %j",
    async (id) => {
      await using wire = await begin();
      expect(await wire.ask(id, viewer)).toMatchObject({ id, type: "next" });
      expect(await wire.next()).toEqual({ id, type: "complete" });
      wire.subscribe(id, roomEventsDocument, { roomId });
      expect(await wire.next()).toMatchObject({
        id,
        type: "next",
        payload: { data: { roomEvents: { __typename: "CaughtUp" } } },
      });
      await alice.send(roomId, "for any id");
      expect(await wire.next()).toMatchObject({
        id,
        payload: { data: { roomEvents: { message: { content: "for any id" } } } },
      });
      wire.send({ id, type: "complete" });
      await wire.settle();
    },
  );
});

describe("an operation that is wrong is answered with Error and no Complete, and the socket lives on:", () => {
  test.each([
    ["a syntax error", "{", "INVALID"],
    ["an empty document", "", "INVALID"],
    ["a field that there is not", "{ nothing }", "INVALID"],
    ["no operation", "fragment F on Query { __typename }", "INVALID"],
    ["a definition of types", "type A { b: Int }", "INVALID"],
    ["too many tokens", `{ viewer { ${"id ".repeat(1_100)} } }`, "QUERY_REFUSED"],
    ["a subscription with two fields", "subscription { a: __typename b: __typename }", "INVALID"],
  ])("%s", async (_what, query, code) => {
    await using wire = await begin();
    const { type, payload } = await wire.ask("wrong", query);
    expect(type).toBe("error");
    expect(payload).toEqual(
      expect.arrayContaining([expect.objectContaining({ extensions: expect.objectContaining({ code }) })]),
    );
    expect(await wire.ask("right", viewer)).toMatchObject({ type: "next" });
  });

  test("a name that no operation has", async () => {
    await using wire = await begin();
    wire.send({ id: "1", type: "subscribe", payload: { query: "query A { __typename }", operationName: "B" } });
    expect(await wire.next()).toMatchObject({ type: "error", payload: [{ extensions: { code: "INVALID" } }] });
    await wire.settle();
  });

  test("variables that do not fit, of a query and of a subscription", async () => {
    await using wire = await begin();
    const room = `query ($id: ID!) { room(id: $id) { id } }`;
    expect(await wire.ask("q", room, { id: { no: "id" } })).toMatchObject({
      type: "next",
      payload: { errors: [{ extensions: { code: "INVALID" } }] },
    });
    await wire.next();
    expect(await wire.ask("s", roomEventsDocument, { roomId, kinds: ["NONE"] })).toMatchObject({
      type: "next",
      payload: { errors: [{ extensions: { code: "INVALID" } }] },
    });
    expect(await wire.next()).toEqual({ id: "s", type: "complete" });
  });

  test("a room that is not the viewer's", async () => {
    await using wire = await WireSocket.begin(app, "mallory");
    expect(await wire.ask("s", roomEventsDocument, { roomId })).toMatchObject({
      payload: { errors: [{ extensions: { code: "NOT_FOUND" } }] },
    });
    expect(await wire.next()).toEqual({ id: "s", type: "complete" });
  });
});

describe("Complete", () => {
  test("for an id that nobody knows is passed over, also for one that has ended", async () => {
    await using wire = await begin();
    wire.send({ id: "never", type: "complete" });
    await wire.ask("ended", viewer);
    await wire.next();
    wire.send({ id: "ended", type: "complete" });
    wire.send({ id: "__proto__", type: "complete" });
    await wire.settle();
  });

  test("ends the subscription: nothing comes for it afterwards", async () => {
    await using wire = await begin();
    wire.subscribe("s", roomEventsDocument, { roomId });
    await wire.next();
    wire.send({ id: "s", type: "complete" });
    await wire.settle();
    const before = wire.received.length;
    await alice.send(roomId, "nobody listens");
    await wire.settle();
    expect(wire.received.slice(before).map(({ type }) => type)).toEqual(["pong"]);
    expect(app.hub.watchedRooms).toBe(0);
  });

  test("while the subscription is still being opened: nothing comes for it at all", async () => {
    await using wire = await begin();
    wire.sendTogether(
      { id: "s", type: "subscribe", payload: { query: roomEventsDocument, variables: { roomId } } },
      { id: "s", type: "complete" },
    );
    await alice.send(roomId, "nobody listens");
    await wire.settle();
    expect(wire.received.filter(({ id }) => id === "s")).toEqual([]);
    await expect.poll(() => app.hub.watchedRooms).toBe(0);
  });

  test("while a query runs: its result is not sent", async () => {
    await using wire = await begin();
    wire.sendTogether(
      { id: "q", type: "subscribe", payload: { query: "{ rooms { edges { node { id } } } }" } },
      { id: "q", type: "complete" },
    );
    await wire.ask("after", "{ rooms { edges { node { id } } } }");
    await wire.settle();
    expect(wire.received.filter(({ id }) => id === "q")).toEqual([]);
  });

  test("and the id used again at once: only the new operation's responses come", async () => {
    await using wire = await begin();
    const other = await alice.createRoom("Other");
    const subscribe = (room: string) => ({
      id: "s",
      type: "subscribe",
      payload: { query: roomEventsDocument, variables: { roomId: room } },
    });
    const complete = { id: "s", type: "complete" };
    wire.sendTogether(
      subscribe(roomId),
      complete,
      subscribe(other),
      complete,
      subscribe(roomId),
      complete,
      subscribe(other),
    );
    expect(await wire.next()).toMatchObject({ id: "s", payload: { data: { roomEvents: { __typename: "CaughtUp" } } } });
    await alice.send(roomId, "in the one left");
    await alice.send(other, "in the one watched");
    expect(await wire.next()).toMatchObject({
      id: "s",
      payload: { data: { roomEvents: { message: { content: "in the one watched" } } } },
    });
    wire.send(complete);
    await wire.settle();
    await expect.poll(() => app.hub.watchedRooms).toBe(0);
  });

  test("and the id used again twice without another Complete closes with 4409, as it would without the first", async () => {
    await using wire = await begin();
    const subscribe = { id: "s", type: "subscribe", payload: { query: roomEventsDocument, variables: { roomId } } };
    wire.sendTogether(subscribe, { id: "s", type: "complete" }, subscribe, subscribe);
    expect(await wire.closed).toMatchObject({ code: 4409 });
  });
});

describe("a message that is none closes with 4400:", () => {
  test.each([
    ["no JSON", "{"],
    ["an empty one", ""],
    ["JSON that is no object", "5"],
    ["null", "null"],
    ["a list", "[]"],
    ["no type", "{}"],
    ["a type that there is not", '{"type":"start","id":"1"}'],
    ["a type that is no text", '{"type":1}'],
    ["a server's message: connection_ack", '{"type":"connection_ack"}'],
    ["a server's message: next", '{"type":"next","id":"1","payload":{}}'],
    ["a server's message: error", '{"type":"error","id":"1","payload":[{"message":"no"}]}'],
    ["subscribe without an id", '{"type":"subscribe","payload":{"query":"{viewer{id}}"}}'],
    ["subscribe with an empty id", '{"type":"subscribe","id":"","payload":{"query":"{viewer{id}}"}}'],
    ["subscribe with an id that is no text", '{"type":"subscribe","id":1,"payload":{"query":"{viewer{id}}"}}'],
    ["subscribe without a payload", '{"type":"subscribe","id":"1"}'],
    ["subscribe without a query", '{"type":"subscribe","id":"1","payload":{}}'],
    ["subscribe with a query that is no text", '{"type":"subscribe","id":"1","payload":{"query":{}}}'],
    [
      "subscribe with variables that are none",
      '{"type":"subscribe","id":"1","payload":{"query":"{a}","variables":"x"}}',
    ],
    [
      "subscribe with a name that is none",
      '{"type":"subscribe","id":"1","payload":{"query":"{a}","operationName":{}}}',
    ],
    [
      "subscribe with extensions that are none",
      '{"type":"subscribe","id":"1","payload":{"query":"{a}","extensions":[]}}',
    ],
    ["complete without an id", '{"type":"complete"}'],
    ["ping with a payload that is no object", '{"type":"ping","payload":"x"}'],
    ["pong with a payload that is no object", '{"type":"pong","payload":1}'],
  ])("%s", async (_what, text) => {
    await using wire = await begin();
    wire.send(text);
    expect(await wire.closed).toEqual({ code: 4400, reason: "Invalid message received" });
  });

  test("one in a binary frame", async () => {
    await using wire = await begin();
    wire.socket.send(Buffer.from('{"type":"ping"}'), { binary: true });
    expect(await wire.closed).toMatchObject({ code: 4400 });
  });

  test("nothing that comes after it is done", async () => {
    await using wire = await begin();
    const before = await messageCount();
    const input = { roomId, content: "too late" };
    wire.sendTogether(
      { type: "nonsense" },
      { id: "m", type: "subscribe", payload: { query: sendDocument, variables: { input } } },
    );
    expect(await wire.closed).toMatchObject({ code: 4400 });
    expect(await messageCount()).toBe(before);
  });
});

const sendDocument = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }`;

async function messageCount(): Promise<number> {
  const { room } = await alice.must<{ room: { messages: { edges: unknown[] } } }>(
    `query ($id: ID!) { room(id: $id) { messages(last: 100) { edges { cursor } } } }`,
    { id: roomId },
  );
  return room.messages.edges.length;
}

/** `ws` gives up by itself when the server takes none of its protocols, so this is spoken by hand. */
async function closeCodeOf(protocol: string): Promise<number> {
  const { hostname, port } = new URL(app.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    [
      "GET /graphql HTTP/1.1",
      `Host: ${hostname}:${port}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
      `Sec-WebSocket-Protocol: ${protocol}`,
      "\r\n",
    ].join("\r\n"),
  );
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  await once(socket, "close");
  const frame = bytes.subarray(bytes.indexOf("\r\n\r\n") + 4);
  expect(frame[0]).toBe(0x88);
  return frame.readUInt16BE(2);
}
