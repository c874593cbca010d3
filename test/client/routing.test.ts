import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { freePort } from "../support/redis-server.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { startClosingServer } from "./closing-server.ts";
import { TestClient, webSocketUrl } from "./support.ts";
import { Wire } from "./wire.ts";

const quick = { backoff: { baseMs: 5, maxMs: 20 } };
let database: TestDatabase;
let redis: TestRedis;
let nodes: TestApp[];

/** A node that says where clients reach it. */
async function startNode(nodeId: string): Promise<TestApp> {
  const port = String(await freePort());
  const env = { NODE_ID: nodeId, PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}`, REDIS_URL: redis.url };
  return startTestApp({ databaseUrl: database.url, env, presence: { timings: { leaseMs: 1_500, renewEveryMs: 300 } } });
}

beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startRedis();
  nodes = [await startNode("a"), await startNode("b")];
});

afterAll(async () => {
  for (const node of nodes.toReversed()) await node.close();
  await redis[Symbol.asyncDispose]();
  await database.close();
});

/** The servers that a client went to, in order, and how often it asked where to go. */
function watchWays() {
  const wire = new Wire();
  let asked = 0;
  const fetchImpl: typeof fetch = (...request) => {
    asked++;
    return fetch(...request);
  };
  const options = { webSocketImpl: wire.WebSocket, fetchImpl, ...quick };
  return { wire, options, visited: () => wire.sockets.map(({ url }) => url), asked: () => asked };
}

/** A server all of whose users belong to the node at `publicUrl`. */
function startSending(publicUrl: string): Promise<TestApp> {
  return startTestApp({ databaseUrl: database.url, env: { PUBLIC_URL: publicUrl } });
}

test("a client goes to the node that its user belongs to, whichever it asks, and to another while that one is gone", async () => {
  const urls = nodes.map(webSocketUrl);
  await until("both nodes know of each other", async () => {
    const ends = await Promise.all(nodes.map(async (node) => (await endpointOf(node, "alice")).url));
    const others = Array.from({ length: 20 }, (_, index) => `user ${index}`);
    const ofOthers = await Promise.all(others.map((id) => endpointOf(nodes[0]!, id)));
    return ends[0] === ends[1] && new Set(ofOthers.map(({ url }) => url)).size === 2;
  });
  const home = urls.indexOf((await endpointOf(nodes[0]!, "alice")).url);
  const ways = urls.map(() => watchWays());
  for (const [index, node] of nodes.entries()) {
    await using alice = new TestClient(node, "alice", ways[index]!.options);
    await alice.live();
    expect(ways[index]!.visited()).toEqual([urls[home]]);
  }
  const { wire, options, visited } = watchWays();
  await using alice = new TestClient(nodes[1 - home]!, "alice", options);
  await alice.live();
  await nodes[home]!.close();
  await until("elsewhere", () => wire.sockets.length > 1 && alice.status === "live");
  expect(visited().at(-1)).toBe(urls[1 - home]);
});

async function endpointOf(node: TestApp, userId: string): Promise<{ url: string; isAdvertised: boolean }> {
  const response = await fetch(`${node.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${await tokenOf(userId)}` },
    body: JSON.stringify({ query: "{ connectionEndpoint { url isAdvertised } }" }),
  });
  const { data } = (await response.json()) as { data: { connectionEndpoint: { url: string; isAdvertised: boolean } } };
  return data.connectionEndpoint;
}

test("a node that does not let the client in costs it nothing but that try: it goes to the address that it has", async () => {
  const dead = `http://127.0.0.1:${await freePort()}`;
  await using app = await startSending(dead);
  const { wire, options, visited } = watchWays();
  await using bob = new TestClient(app, "bob", { ...options, backoff: { baseMs: 3_600_000, maxMs: 3_600_000 } });
  await bob.live();
  expect(visited()).toEqual([`${dead.replace("http", "ws")}/graphql`, webSocketUrl(app)]);
  // It may be back by the next time.
  wire.cut();
  await until("lost", () => bob.status === "offline");
  bob.client.wake();
  await bob.live();
  expect(visited()).toHaveLength(4);
  expect(visited()[2]).toBe(visited()[0]);
});

test("a node that lets the client in and serves it not is passed over the next time", async () => {
  await using broken = await startClosingServer([1013, 1013, 1013]);
  await using app = await startSending(broken.url);
  const { options, visited } = watchWays();
  await using bob = new TestClient(app, "bob", options);
  await bob.live();
  expect(visited()).toEqual([`${broken.url.replace("http", "ws")}/graphql`, webSocketUrl(app)]);
});

test("a server whose nodes have no addresses of their own is asked once", async () => {
  await using app = await startTestApp({ databaseUrl: database.url });
  expect((await endpointOf(app, "bob")).isAdvertised).toBe(false);
  const { wire, options, visited, asked } = watchWays();
  await using bob = new TestClient(app, "bob", options);
  await bob.live();
  for (let round = 0; round < 3; round++) {
    wire.cut();
    await until("back", () => wire.sockets.length === round + 2 && bob.status === "live");
  }
  expect(new Set(visited())).toEqual(new Set([webSocketUrl(app)]));
  expect({ asked: asked(), sockets: wire.sockets.length }).toEqual({ asked: 1, sockets: 4 });
});

test.each<[string, typeof fetch]>([
  ["fails", () => Promise.reject(new TypeError("Not now."))],
  ["gives no answer", () => new Promise(() => undefined)],
  ["speaks another language", async () => new Response("<html>")],
  ["refuses", async () => Response.json({ errors: [{ message: "No such field." }] }, { status: 400 })],
])("a client that asks where to go connects all the same when the question %s", async (_how, fetchImpl) => {
  await using app = await startTestApp({ databaseUrl: database.url });
  await using bob = new TestClient(app, "bob", { fetchImpl });
  await bob.live();
});
