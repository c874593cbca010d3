import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { roomEventsDocument, TestUser } from "../support/user.ts";
import { EventReader } from "./events.ts";
import { startSmallServer } from "./small-server.ts";

let app: TestApp;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  app = await startTestApp({ env: { MAX_SOCKETS_PER_USER: "3" }, hub: { drainTimeoutMs: 1_500 } });
  alice = await TestUser.open(app, "alice");
  await TestUser.open(app, "bob");
  roomId = await alice.createRoom("Tea", ["bob"]);
});
afterAll(() => app.close());

const watch = (more: { token?: string; accept?: string; after?: string } = {}) =>
  EventReader.open(app, {
    token: more.token ?? alice.token,
    query: roomEventsDocument,
    variables: { roomId, after: more.after },
    accept: more.accept,
  });
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
const caughtUp = { event: "next", data: { data: { roomEvents: { __typename: "CaughtUp" } } } };

describe("a subscription over an event stream", () => {
  test("gets what happens, for all that accept events", async () => {
    for (const accept of ["text/event-stream", "*/*", "text/*", "application/json, text/event-stream;q=0.5"]) {
      await using reader = await watch({ accept });
      expect(reader.response.statusCode).toBe(200);
      expect(reader.response.headers["content-type"]).toBe("text/event-stream");
      expect(reader.response.headers["cache-control"]).toBe("no-store");
      expect(await reader.next()).toMatchObject(caughtUp);
      await alice.send(roomId, "line one\nline two\r\n\r\nevent: complete ☕");
      expect(await reader.next()).toMatchObject({
        event: "next",
        data: { data: { roomEvents: { message: { content: "line one\nline two\r\n\r\nevent: complete ☕" } } } },
      });
    }
    await expect.poll(() => app.hub.watchedRooms).toBe(0);
  });

  test("resumes, and ends with Complete when the viewer is removed", async () => {
    const carol = await TestUser.open(app, "carol");
    await alice.mutate("addMember", { roomId, userId: "carol" });
    await using reader = await watch({ token: carol.token });
    await reader.next();
    await alice.mutate("removeMember", { roomId, userId: "carol" });
    expect(await reader.next()).toMatchObject({ data: { data: { roomEvents: { __typename: "MemberLeft" } } } });
    expect(await reader.next()).toEqual({ event: "complete", data: null });
    await reader.end();
  });

  test("that is refused says so in one event and ends", async () => {
    for (const [query, code] of [
      ['subscription { roomEvents(roomId: "none") { __typename } }', "NOT_FOUND"],
      ["subscription { nothing }", "INVALID"],
      ["subscription {", "INVALID"],
      [`subscription { roomEvents(roomId: "x") { ${"__typename ".repeat(1_000)} } }`, "QUERY_REFUSED"],
    ]) {
      await using reader = await EventReader.open(app, { token: alice.token, query: query! });
      expect(await reader.next()).toMatchObject({ event: "next", data: { errors: [{ extensions: { code } }] } });
      expect(await reader.next()).toEqual({ event: "complete", data: null });
      expect(reader.events).toHaveLength(2 + reader.events.filter((event) => "comment" in event).length);
      await reader.end();
    }
  });

  test("counts as a connection of the user: one too many is 429, and there is room once one is closed", async () => {
    await using stack = new AsyncDisposableStack();
    const token = await tokenOf("bob");
    const open = async () => stack.use(await watch({ token }));
    const first = await open();
    await open();
    await open();
    expect((await open()).response.statusCode).toBe(429);
    await first[Symbol.asyncDispose]();
    await expect.poll(async () => (await open()).response.statusCode).toBe(200);
  });

  test("ends without Complete when its token does", async () => {
    const exp = inSeconds(2);
    await using reader = await watch({ token: await tokenOf("alice", { exp }) });
    expect(await reader.next()).toMatchObject(caughtUp);
    await reader.end();
    expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000);
    expect(Date.now()).toBeLessThan(exp * 1000 + 1_000);
    expect(reader.events.some((event) => "event" in event && event.event === "complete")).toBe(false);
  });

  test("ends with the client's connection", async () => {
    const reader = await watch();
    await reader.next();
    expect(app.hub.watchedRooms).toBe(1);
    await reader[Symbol.asyncDispose]();
    await expect.poll(() => app.hub.watchedRooms).toBe(0);
  });

  test("of a reader that stops for a moment is caught up afterwards: nothing is lost, and nothing much is kept", async () => {
    await using reader = await watch();
    await reader.next();
    reader.response.pause();
    const contents = await sendMany(40);
    reader.response.resume();
    const got: unknown[] = [];
    while (got.length < contents.length) {
      const { data } = await reader.next();
      got.push((data as { data: { roomEvents: { message?: { content: string } } } }).data.roomEvents.message?.content);
    }
    expect(got).toEqual(contents);
  });

  test("of a reader that does not come back is cut off", { timeout: 60_000 }, async () => {
    await using reader = await watch();
    await reader.next();
    reader.response.pause();
    // More than the kernel and the server hold together.
    for (let round = 0; app.hub.watchedRooms > 0 && round < 40; round++) await sendMany(40);
    await expect.poll(() => app.hub.watchedRooms, { timeout: 10_000 }).toBe(0);
    reader.response.resume();
    await reader.end();
  });
});

test("a query over an event stream is one event", async () => {
  await using reader = await EventReader.open(app, { token: alice.token, query: "{ viewer { id } }" });
  expect(await reader.next()).toEqual({ event: "next", data: { data: { viewer: { id: "alice" } } } });
  expect(await reader.next()).toEqual({ event: "complete", data: null });
  await reader.end();
});

describe("the door", () => {
  const types = "type Query { a: Int } type Subscription { numbers: Int! big: String! }";
  const secret = "password=hunter2";

  test("keeps a stream alive with comments", async () => {
    await using server = await startSmallServer({
      types,
      resolvers: { Subscription: { numbers: () => never() } },
      keepAliveIntervalMs: 240,
    });
    await using reader = await EventReader.open(server, {
      token: await tokenOf("alice"),
      query: "subscription { numbers }",
    });
    for (let count = 0; count < 4; count++) await reader.comment(1_000);
  });

  test("masks the fault of an open stream, tells its reference, and completes", async () => {
    await using server = await startSmallServer({
      types,
      resolvers: {
        Subscription: {
          numbers: async function* numbers() {
            yield 1;
            throw new Error(secret);
          },
        },
      },
    });
    await using reader = await EventReader.open(server, {
      token: await tokenOf("alice"),
      query: "subscription { numbers }",
    });
    expect(await reader.next()).toMatchObject({ data: { data: { numbers: 1 } } });
    const told = await reader.next();
    expect(told).toMatchObject({ event: "next", data: { errors: [{ extensions: { code: "INTERNAL" } }] } });
    expect(await reader.next()).toEqual({ event: "complete", data: null });
    expect(JSON.stringify(reader.events)).not.toContain("hunter2");
    expect(JSON.stringify(told)).toContain(server.faults[0]!.reference);
  });

  test(
    "pulls a stream no further than its client reads, and cuts off one that stands still",
    { timeout: 20_000 },
    async () => {
      let pulled = 0;
      async function* big() {
        for (;;) {
          pulled += 1;
          yield "x".repeat(64 * 1024);
        }
      }
      await using server = await startSmallServer({
        types,
        resolvers: { Subscription: { big } },
        drainTimeoutMs: 1_000,
      });
      await using reader = await EventReader.open(server, {
        token: await tokenOf("alice"),
        query: "subscription { big }",
      });
      await reader.next();
      reader.response.pause();
      await expect.poll(() => server.connections.count("alice"), { timeout: 15_000 }).toBe(0);
      // What the kernel holds, on loopback, and what the server may.
      expect(pulled).toBeLessThan(400);
      // It ends with its client, however fast it is.
      pulled = 0;
      const gone = await EventReader.open(server, { token: await tokenOf("alice"), query: "subscription { big }" });
      await gone.next();
      await gone[Symbol.asyncDispose]();
      await expect.poll(() => server.connections.count("alice")).toBe(0);
      expect(pulled).toBeLessThan(4_000);
    },
  );

  test("ends all streams when it closes, without Complete", async () => {
    const server = await startSmallServer({ types, resolvers: { Subscription: { numbers: () => never() } } });
    await using reader = await EventReader.open(server, {
      token: await tokenOf("alice"),
      query: "subscription { numbers }",
    });
    await reader.comment();
    await server[Symbol.asyncDispose]();
    await reader.end();
    expect(reader.events.some((event) => "event" in event)).toBe(false);
  });
});

async function* never(): AsyncGenerator<number> {
  await new Promise(() => {});
  yield 0;
}

async function sendMany(count: number): Promise<string[]> {
  const contents = Array.from({ length: count }, (_, index) => `${index} ${"x".repeat(7_900)}`);
  for (const content of contents) await alice.send(roomId, content);
  return contents;
}
