import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTopology, type Topology } from "../../scripts/cluster/topology.ts";
import { EventReader } from "../doors/events.ts";
import { testSecret } from "../support/app.ts";
import { openSql } from "../support/sql.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

let topology: Topology;

beforeAll(async () => {
  topology = await startTopology({ durable: false, env: () => ({ JWT_SECRET: testSecret, RATE_LIMITS: "off" }) });
});

afterAll(async () => topology?.close());

/** Of the node that took the message: a reading of its clock ends with its name. */
const nodeOf = (hlc: string) => hlc.split("-").slice(2).join("-");

test("clients of all nodes chat with each other through nginx, by WebSocket, event stream and plain HTTP", async () => {
  await using alice = await TestUser.open(topology, "alice");
  await using bob = await TestUser.open(topology, "bob");
  const roomId = await alice.createRoom("Tea", ["bob"]);
  const places = topology.nodes.map(({ id }) => ({ url: `${topology.url}/nodes/${id}` }));
  const readers = [topology, ...places].map((place) => bob.at(place));
  const feeds = readers.map((reader) => reader.roomEvents(roomId));
  for (const feed of feeds) await feed.find(({ __typename }) => __typename === "CaughtUp");
  const query = `subscription { roomEvents(roomId: "${roomId}") { ... on MessageSent { message { id } } } }`;
  await using stream = await EventReader.open(topology, { token: bob.token, query });
  await stream.next();

  for (const node of topology.nodes) {
    const { id, hlc } = await alice.at(node).send(roomId, `Hello from ${node.id}`);
    expect(nodeOf(hlc)).toBe(node.id);
    for (const feed of feeds) expect((await feed.next()).message?.id).toBe(id);
    expect((await stream.next()).data).toEqual({ data: { roomEvents: { message: { id } } } });
  }
  for (const reader of readers) await reader[Symbol.asyncDispose]();
});

test("nginx sends a user's requests to one node, and many users' to all", async () => {
  const used = new Set<string>();
  // A key may fall anywhere: of a hundred some do at each node.
  for (let index = 0; index < 100 && used.size < topology.nodes.length; index += 1) {
    const user = await TestUser.open(topology, `user-${index}`);
    const roomId = await user.createRoom("Own");
    const nodes = new Set<string>();
    for (const word of ["one", "two", "three"]) nodes.add(nodeOf((await user.send(roomId, word)).hlc));
    expect(nodes.size).toBe(1);
    used.add([...nodes][0]!);
  }
  expect([...used].sort()).toEqual(topology.nodes.map(({ id }) => id));
});

test("the node that the ring names is reached through nginx", async () => {
  const places = topology.nodes.map(({ id }) => ({
    nodeId: id,
    url: `${topology.url.replace("http", "ws")}/nodes/${id}/graphql`,
  }));
  const named = new Set<string>();
  for (let index = 0; named.size < places.length; index += 1) {
    expect(index).toBeLessThan(100);
    await using user = await TestUser.open(topology, `named-${index}`);
    type Data = { connectionEndpoint: { nodeId: string; url: string } };
    const { connectionEndpoint } = await user.must<Data>(`{ connectionEndpoint { nodeId url } }`);
    expect(places).toContainEqual(connectionEndpoint);
    if (named.has(connectionEndpoint.nodeId)) continue;
    named.add(connectionEndpoint.nodeId);
    await using there = user.at({ url: connectionEndpoint.url.replace(/^ws/, "http").replace(/\/graphql$/, "") });
    const roomId = await user.createRoom("Own");
    await using feed = there.roomEvents(roomId);
    expect((await feed.next()).__typename).toBe("CaughtUp");
  }
});

test("no client makes nginx take a node for dead: not with bodies that the nodes refuse, nor with upgrades that they do", async () => {
  const logged = async () => (await readFile(topology.nginx.logFile, "utf8")).length;
  const before = await logged();
  const body = "a".repeat(250_000);
  const kinds = ["GET /graphql", "POST /graphql", "POST /nosuch", "POST /readyz", "GET /nodes/node-1/graphql"].flatMap(
    (request) =>
      ["", "Connection: Upgrade\r\nUpgrade: foo\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n"].map(
        (upgrade) => [request, upgrade],
      ),
  );
  const answers = new Set<string>();
  for (let round = 0; round < 10; round += 1) {
    const sent = kinds.map(async ([request, upgrade]) => {
      const head = `${request}?user=${round} HTTP/1.1\r\nHost: x\r\n${upgrade}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
      answers.add(await firstLineOf(topology.url, head + body));
    });
    await Promise.all(sent);
  }
  expect([...answers].filter((line) => !/^HTTP\/1\.1 [24]/.test(line))).toEqual([]);
  const log = (await readFile(topology.nginx.logFile, "utf8")).slice(before);
  expect(log).not.toContain("disabled");
});

test("who asks for a node that there never was is served by another, and fills no log", async () => {
  const before = (await readFile(topology.nginx.logFile, "utf8")).length;
  await using user = await TestUser.open({ url: `${topology.url}/nodes/node-1` }, "lost");
  for (let index = 0; index < 20; index += 1) {
    const url = `${topology.url}/nodes/no-${index}/graphql?query={viewer{id}}`;
    const response = await fetch(url, { headers: { Authorization: `Bearer ${user.token}` } });
    expect(await response.json()).toEqual({ data: { viewer: { id: "lost" } } });
  }
  expect((await readFile(topology.nginx.logFile, "utf8")).slice(before)).toBe("");
});

/** Of what is answered to these bytes. */
function firstLineOf(url: string, bytes: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(bytes));
  let text = "";
  socket.on("data", (data: Buffer) => {
    text += data.toString();
    if (text.includes("\r\n")) socket.destroy();
  });
  socket.on("error", () => undefined);
  socket.on("close", () => resolve(text.split("\r\n", 1)[0]!));
  return promise;
}

test("a node that was killed is passed over, and used again once it is back", async () => {
  const [first] = topology.nodes;
  await first!.kill();
  const users = Array.from({ length: 12 }, (_, index) => `passed-${index}`);
  for (const id of users) await TestUser.open(topology, id);
  await first!.start();
  await until("the node that came back serves", async () => {
    const user = await TestUser.open(topology, `back-${Math.random()}`);
    return nodeOf((await user.send(await user.createRoom("Own"), "Hello")).hlc) === first!.id;
  });
});

test("the replica has what the primary has, and cannot be written to", async () => {
  const user = await TestUser.open(topology, "writer");
  const { id } = await user.send(await user.createRoom("Own"), "Hello");
  await using sql = await openSql(topology.replicaUrl);
  await until("the message is on the replica", async () => {
    return (await sql.rows("SELECT FROM messages WHERE id = $1", [id])).length === 1;
  });
  await expect(sql.rows("DELETE FROM messages")).rejects.toThrow("read-only");
});

test("metrics are not shown to the outside", async () => {
  expect((await fetch(`${topology.url}/metrics`)).status).toBe(404);
  expect((await fetch(`${topology.nodes[0]!.url}/metrics`)).status).toBe(200);
});
