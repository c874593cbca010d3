// What the door does with operations that take long, fail, or give more than the client takes.
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { Refusal } from "../../src/errors.ts";
import { tokenOf } from "../support/app.ts";
import { startSmallServer } from "./small-server.ts";
import { WireSocket } from "./wire.ts";

const types = `
  type Query { big(kib: Int!): String! fail: String refuse: String hidden: String! }
  type Mutation { note(name: String!): Boolean! sendMessage(name: String!): Boolean! }
  type Subscription { numbers(upTo: Int!, thenFail: Boolean): Int! endless(kib: Int!): String! broken: Int! }
`;

/** Steps that the test lets go on one by one. */
function gates() {
  const begun: string[] = [];
  const waiting = new Map<string, () => void>();
  return {
    begun,
    pass: (name: string) =>
      new Promise<boolean>((resolve) => (begun.push(name), waiting.set(name, () => resolve(true)))),
    open: (name: string) => waiting.get(name)!(),
  };
}

test("mutations of one socket run in the order they came; only sends run side by side", async () => {
  const { begun, pass, open } = gates();
  const byName = (_root: unknown, { name }: { name: string }) => pass(name);
  await using server = await startSmallServer({
    types,
    resolvers: { Mutation: { note: byName, sendMessage: byName }, Query: { big: () => "x" } },
  });
  await using wire = await WireSocket.begin(server, "alice");
  const run = (field: string, name: string) => wire.subscribe(name, `mutation { ${field}(name: "${name}") }`);
  run("sendMessage", "send 1");
  run("sendMessage", "send 2");
  run("note", "note 3");
  run("sendMessage", "send 4");
  run("sendMessage", "send 5");
  run("note", "note 6");
  // Queries wait for nobody.
  expect(await wire.ask("query", "{ big(kib: 1) }")).toMatchObject({ id: "query", type: "next" });
  expect(begun).toEqual(["send 1", "send 2"]);
  open("send 2");
  await wire.settle();
  expect(begun).toEqual(["send 1", "send 2"]);
  open("send 1");
  await expect.poll(() => begun).toEqual(["send 1", "send 2", "note 3"]);
  open("note 3");
  await expect.poll(() => begun).toEqual(["send 1", "send 2", "note 3", "send 4", "send 5"]);
  open("send 4");
  open("send 5");
  await expect.poll(() => begun.at(-1)).toBe("note 6");
  open("note 6");
  await expect.poll(() => wire.received.filter(({ type }) => type === "complete").length).toBe(7);
});

test("a mutation that the client wants no answer to any more is done all the same, in its turn", async () => {
  const { begun, pass, open } = gates();
  await using server = await startSmallServer({
    types,
    resolvers: { Mutation: { note: (_root: unknown, { name }: { name: string }) => pass(name) } },
  });
  await using wire = await WireSocket.begin(server, "alice");
  wire.subscribe("1", `mutation { note(name: "one") }`);
  wire.sendTogether(
    { id: "2", type: "subscribe", payload: { query: `mutation { note(name: "two") }` } },
    { id: "2", type: "complete" },
  );
  await expect.poll(() => begun).toEqual(["one"]);
  open("one");
  await expect.poll(() => begun).toEqual(["one", "two"]);
  open("two");
  await wire.settle();
  expect(wire.received.some(({ id }) => id === "2")).toBe(false);
});

const secret = "password=hunter2 at /srv/causerie/secret.ts";
const masked = { message: "Something went wrong on the server.", extensions: { code: "INTERNAL" } };

test("faults are masked with a reference that is in the log: of a query, of subscribing, of an open stream", async () => {
  async function* numbers(_root: unknown, { upTo, thenFail }: { upTo: number; thenFail?: boolean }) {
    for (let number = 1; number <= upTo; number++) yield number;
    if (thenFail) throw new Error(secret);
  }
  await using server = await startSmallServer({
    types,
    resolvers: {
      Query: {
        fail: () => Promise.reject(new Error(secret)),
        refuse: () => Promise.reject(new Refusal("NOT_FOUND", "No such thing.")),
        hidden: () => ({ toString: () => secret }),
      },
      Subscription: { numbers, broken: () => Promise.reject(new TypeError(secret)) },
    },
  });
  await using wire = await WireSocket.begin(server, "alice");
  expect(await wire.ask("q", "{ fail }")).toMatchObject({ payload: { data: { fail: null }, errors: [masked] } });
  expect(await wire.next()).toEqual({ id: "q", type: "complete" });
  expect(await wire.ask("r", "{ refuse }")).toMatchObject({
    payload: { errors: [{ message: "No such thing.", extensions: { code: "NOT_FOUND" } }] },
  });
  await wire.next();
  expect(await wire.ask("n", "subscription { numbers(upTo: 1, thenFail: true) }")).toMatchObject({
    payload: { data: { numbers: 1 } },
  });
  expect(await wire.next()).toMatchObject({ id: "n", type: "error", payload: [masked] });
  expect(await wire.ask("b", "subscription { broken }")).toMatchObject({ payload: { errors: [masked] } });
  await wire.next();
  await wire.ask("h", "{ hidden }");
  await wire.settle();

  expect(JSON.stringify(wire.received)).not.toContain("hunter2");
  const told = JSON.stringify(wire.received).match(/"reference":"[^"]+"/g)!;
  expect(told).toHaveLength(3);
  expect(server.faults.map(({ reference }) => `"reference":"${reference}"`)).toEqual(told);
  expect(server.faults.map(({ fault }) => (fault as Error).message)).toEqual([secret, secret, secret]);
});

test("a fault while a client comes in closes with a code to try again on, and says nothing of it", async () => {
  await using server = await startSmallServer({
    types,
    resolvers: {},
    signIn: () => Promise.reject(new Error(secret)),
  });
  await using wire = await WireSocket.open(server);
  wire.send({ type: "connection_init", payload: { authorization: `Bearer ${await tokenOf("alice")}` } });
  expect(await wire.closed).toEqual({ code: 1013, reason: "Try again later" });
  expect(server.faults.map(({ fault }) => (fault as Error).message)).toEqual([secret]);
});

test("each operation is checked against the token's end, also before the socket is closed for it", async () => {
  let nowMs = Date.now();
  await using server = await startSmallServer({ types, resolvers: { Query: { big: () => "x" } }, now: () => nowMs });
  await using wire = await WireSocket.begin(server, "alice");
  expect(await wire.ask("1", "{ big(kib: 1) }")).toMatchObject({ type: "next" });
  await wire.next();
  nowMs += 3_601_000;
  expect(await wire.ask("2", "{ big(kib: 1) }")).toMatchObject({
    type: "error",
    payload: [{ message: "Sign in first.", extensions: { code: "UNAUTHENTICATED" } }],
  });
});

test("of a client that asks and does not read, no more is executed than fits, and it is closed", async () => {
  let executed = 0;
  await using server = await startSmallServer({
    types,
    resolvers: { Query: { big: (_root: unknown, { kib }: { kib: number }) => (executed++, "x".repeat(kib * 1024)) } },
    drainTimeoutMs: 1_500,
    pingIntervalMs: 200,
  });
  await using wire = await WireSocket.begin(server, "alice");
  wire.socket.pause();
  for (let sent = 0; sent < 1_000; sent++) wire.subscribe(`${sent}`, "{ big(kib: 100) }");
  await standsStill(() => executed);
  // What the kernel takes (some MiB on loopback) and 100 that run: far from all of the 1,000.
  expect(executed).toBeLessThan(400);
  await expect.poll(() => server.connections.count("alice"), { timeout: 10_000 }).toBe(0);
});

test("a client that stands still for a while is not closed, and gets all once it reads on", async () => {
  await using server = await startSmallServer({
    types,
    resolvers: { Query: { big: (_root: unknown, { kib }: { kib: number }) => "x".repeat(kib * 1024) } },
    drainTimeoutMs: 10_000,
    pingIntervalMs: 100,
  });
  await using wire = await WireSocket.begin(server, "alice");
  wire.socket.pause();
  for (let sent = 0; sent < 150; sent++) wire.subscribe(`${sent}`, "{ big(kib: 100) }");
  // Ten pings' time without an answer to any.
  await wait(1_000);
  wire.socket.resume();
  await expect
    .poll(() => wire.received.filter(({ type }) => type === "complete").length, { timeout: 10_000 })
    .toBe(150);
});

test("a stream is pulled no further than its client reads", async () => {
  let pulled = 0;
  async function* endless(_root: unknown, { kib }: { kib: number }) {
    for (;;) {
      pulled += 1;
      yield "x".repeat(kib * 1024);
    }
  }
  await using server = await startSmallServer({
    types,
    resolvers: { Subscription: { endless } },
    drainTimeoutMs: 5_000,
  });
  await using wire = await WireSocket.begin(server, "alice");
  wire.subscribe("e", "subscription { endless(kib: 64) }");
  await wire.next();
  wire.socket.pause();
  const stoppedAt = await standsStill(() => pulled);
  wire.socket.resume();
  await expect.poll(() => pulled).toBeGreaterThan(stoppedAt);
  // It ends with its client, however fast it is.
  await wire[Symbol.asyncDispose]();
  expect(pulled).toBeLessThan(4_000);
});

test("when the server closes, clients are told 1012 and no Complete", async () => {
  const server = await startSmallServer({
    types,
    resolvers: {
      Subscription: {
        numbers: async function* () {
          yield 1;
          await new Promise(() => {});
        },
      },
    },
  });
  await using wire = await WireSocket.begin(server, "alice");
  await wire.ask("n", "subscription { numbers(upTo: 1) }");
  await server[Symbol.asyncDispose]();
  expect(await wire.closed).toEqual({ code: 1012, reason: "Restarting" });
  expect(wire.received.map(({ type }) => type)).toEqual(["connection_ack", "next"]);
});

test("all of a user's sockets can be ended at once, nobody else's", async () => {
  await using server = await startSmallServer({ types, resolvers: {} });
  await using one = await WireSocket.begin(server, "alice");
  await using two = await WireSocket.begin(server, "alice");
  await using other = await WireSocket.begin(server, "bob");
  server.connections.endUser("alice", { code: 4403, reason: "Forbidden" });
  expect(await one.closed).toEqual({ code: 4403, reason: "Forbidden" });
  expect(await two.closed).toEqual({ code: 4403, reason: "Forbidden" });
  await other.settle();
});

/** The count once it has stayed the same for a while. */
async function standsStill(count: () => number): Promise<number> {
  for (let before = -1; before !== count() || before === 0; await wait(300)) before = count();
  return count();
}
