import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { tokenOf } from "../support/app.ts";
import { EventReader } from "./events.ts";
import { startSmallServer } from "./small-server.ts";
import { WireSocket } from "./wire.ts";

const types = `
  type Query { one: Int }
  type Mutation { hold: Int, one: Int }
  type Subscription { ticks: Int }`;

/** A server with a mutation that is held up until it is let go. */
async function startHeldServer(options: { finishTimeoutMs?: number } = {}) {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<number>();
  let others = 0;
  const server = await startSmallServer({
    types,
    resolvers: {
      Query: { one: () => 1 },
      Mutation: {
        hold() {
          begun.resolve();
          return held.promise;
        },
        one: () => (others += 1),
      },
      Subscription: {
        ticks: async function* () {
          yield { ticks: 1 };
          await new Promise(() => {});
        },
      },
    },
    ...options,
  });
  return { server, begun: begun.promise, letGo: () => held.resolve(7), others: () => others };
}

test("a mutation that runs on a socket is answered before the socket is closed with 1012, and what follows it is not begun", async () => {
  const { server, begun, letGo, others } = await startHeldServer();
  await using wire = await WireSocket.begin(server, "alice");
  await wire.ask("t", "subscription { ticks }");
  wire.subscribe("h", "mutation { hold }");
  await begun;
  const closing = server[Symbol.asyncDispose]();
  wire.subscribe("o", "mutation { one }");
  // Meanwhile it could have been read.
  await fetch(`${server.url}/readyz`);
  letGo();
  expect(await wire.closed).toEqual({ code: 1012, reason: "Restarting" });
  const rest = wire.received.filter(({ id }) => id !== "t" && id !== undefined);
  expect(rest).toEqual([
    { type: "next", id: "h", payload: { data: { hold: 7 } } },
    { type: "complete", id: "h" },
  ]);
  expect(wire.received.filter(({ id }) => id === "t").map(({ type }) => type)).toEqual(["next"]);
  expect(others()).toBe(0);
  await closing;
});

test("a mutation that does not end keeps its socket open only for so long", async () => {
  const { server, begun } = await startHeldServer({ finishTimeoutMs: 200 });
  await using wire = await WireSocket.begin(server, "alice");
  wire.subscribe("h", "mutation { hold }");
  await begun;
  const beganMs = performance.now();
  await server[Symbol.asyncDispose]();
  expect(await wire.closed).toEqual({ code: 1012, reason: "Restarting" });
  expect(performance.now() - beganMs).toBeGreaterThan(190);
});

test("a server that is leaving is not ready, lets in no socket and no event stream, and answers what it is asked", async () => {
  const { server, begun, letGo } = await startHeldServer();
  await using wire = await WireSocket.begin(server, "alice");
  const token = await tokenOf("alice");
  await using stream = await EventReader.open(server, { token, query: "subscription { ticks }" });
  await stream.next();
  wire.subscribe("h", "mutation { hold }");
  await begun;
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);

  const closing = server[Symbol.asyncDispose]();
  const ready = await fetch(`${server.url}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([503, { status: "leaving" }]);
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  expect(await refusalOf(server.url)).toEqual({ status: 503, retryAfter: "1" });
  await stream.end();
  expect(stream.events.filter((event) => "event" in event && event.event === "complete")).toEqual([]);
  const late = await EventReader.open(server, { token, query: "subscription { ticks }" });
  expect([late.response.statusCode, late.response.headers["retry-after"]]).toEqual([503, "1"]);
  const answer = await fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "{ one }" }),
  });
  expect(await answer.json()).toEqual({ data: { one: 1 } });
  expect(answer.headers.get("connection")).toBe("close");
  letGo();
  await closing;
  expect(await wire.closed).toEqual({ code: 1012, reason: "Restarting" });
  await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
});

/** What a WebSocket is answered that is not let in. */
function refusalOf(url: string): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, ["graphql-transport-ws"]);
  return new Promise((resolve, reject) => {
    socket.once("open", () => reject(new Error("It was let in.")));
    socket.once("unexpected-response", (request, response) => {
      resolve({ status: response.statusCode, retryAfter: response.headers["retry-after"] });
      request.destroy();
    });
    socket.on("error", () => undefined);
  });
}

test("clients who leave by themselves while others are sent away are not waited for", async () => {
  const { server } = await startHeldServer();
  await using sockets = new AsyncDisposableStack();
  // So many that they are sent away in several steps.
  const wires = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => sockets.use(await WireSocket.begin(server, `user ${index}`))),
  );
  const closing = server[Symbol.asyncDispose]();
  await wires[0]!.closed;
  // The last ones are still to be visited.
  for (const wire of wires.slice(30)) wire.socket.terminate();
  const timeout = Promise.withResolvers<string>();
  const timer = setTimeout(timeout.resolve, 5_000, "still waiting");
  expect(await Promise.race([closing.then(() => "closed"), timeout.promise])).toBe("closed");
  clearTimeout(timer);
});
