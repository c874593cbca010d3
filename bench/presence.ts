/**
 * What presence costs. First the commands that Redis is sent in a minute in which nothing happens, with 100 and with 1,000
 * open connections; then a room of 1,000 members who come and go all at once, followed by many of them.
 *
 *   node bench/presence.ts [--seconds 60] [--connections 100,1000] [--followers 100] [--rate 100]
 */
import { makeDataDir, removeDataDir } from "../test/support/postgres-folder.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SignJWT } from "jose";
import { WebSocket } from "ws";
import { openEmbeddedDatabase } from "../src/database/embedded.ts";
import { startRedis, type TestRedis } from "../test/support/redis.ts";
import { describeMachine, pinLoad, serverCore } from "./support/machine.ts";
import { startProgram, type Program } from "./support/processes.ts";
import { median } from "./support/statistics.ts";

const secret = "a secret of the bench, long enough for HS256";
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const memberCount = 1_000;
/** All that a change of a connection sets off has been told by then. */
const settleMs = 15_000;

/** What scripts do within, and this program. */
const ignored = new Set(["info", ..."time zrangebyscore zadd zscore hset hget pexpire hgetall hmget".split(" ")]);

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    connections: { type: "string", default: "100,1000" },
    followers: { type: "string", default: "100" },
    rate: { type: "string", default: "100" },
  },
});
const seconds = Number(values.seconds);
const connectionCounts = values.connections.split(",").map(Number);
const followerCount = Number(values.followers);
const changesPerSecond = Number(values.rate);

pinLoad();
console.log(describeMachine());
const folder = await makeDataDir();
try {
  await using database = await openEmbeddedDatabase({ dataDir: folder, log: () => {} });
  for (const connections of connectionCounts) await idle(database.url, connections);
  await crowd(database.url);
} finally {
  await removeDataDir(folder);
}

async function idle(databaseUrl: string, connections: number): Promise<void> {
  await using redis = await startRedis();
  await using server = await startServer(databaseUrl, redis.url);
  const clients: Client[] = [];
  for (let index = 0; index < connections; index += 1) clients.push(await connect(server, `user-${index}`));
  await sleep(settleMs);
  const before = { commands: await commandCounts(redis), usage: await server.usage() };
  await sleep(seconds * 1_000);
  const after = { commands: await commandCounts(redis), usage: await server.usage() };
  const counts = [...after.commands]
    .map(([name, count]): [string, number] => [name, count - (before.commands.get(name) ?? 0)])
    .filter(([, count]) => count > 0)
    .sort(([, one], [, other]) => other - one);
  const sum = counts.reduce((total, [, count]) => total + count, 0);
  const cpu = (after.usage.cpuMs - before.usage.cpuMs) / seconds;
  console.log(
    `${connections} idle connections, ${seconds} s: ${sum} commands of Redis; server ${cpu.toFixed(1)} ms of CPU a second`,
  );
  console.log(`  ${counts.map(([name, count]) => `${name} ${count}`).join(", ")}`);
  for (const client of clients) client.socket.terminate();
}

async function crowd(databaseUrl: string): Promise<void> {
  await using redis = await startRedis();
  await using server = await startServer(databaseUrl, redis.url);
  const userIds = Array.from({ length: memberCount }, (_, index) => `member-${index}`);
  const clients: Client[] = [];
  for (const userId of userIds) clients.push(await connect(server, userId));
  const roomId = await createRoom(server, userIds);
  const followers = clients.slice(0, followerCount);
  let frames = 0;
  let bytes = 0;
  for (const { socket } of followers) {
    const query = `subscription ($roomId: ID!) { presence(roomId: $roomId) { id status devices lastSeen customStatus } }`;
    socket.send(JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables: { roomId } } }));
    socket.on("message", (data: Buffer) => {
      if (!data.includes('"next"')) return;
      frames += 1;
      bytes += data.length;
    });
  }
  while (frames < followers.length) await sleep(50);
  const [firstFrames, firstBytes] = [frames, bytes];
  const before = await server.usage();
  const beganAtMs = performance.now();
  const latencies: number[] = [];
  let changes = 0;
  while (performance.now() - beganAtMs < 10_000) {
    // Those who do not follow: AWAY and back, as when a crowd looks elsewhere.
    const due = Math.floor(((performance.now() - beganAtMs) / 1_000) * changesPerSecond);
    for (; changes < due; changes += 1) {
      const client = clients[followerCount + (changes % (memberCount - followerCount))]!;
      const status = client.away ? "ONLINE" : "AWAY";
      client.away = !client.away;
      const query = `mutation { setPresence(input: { status: ${status} }) { userErrors { message } } }`;
      client.socket.send(JSON.stringify({ id: `${changes}`, type: "subscribe", payload: { query } }));
    }
    const startedAtMs = performance.now();
    await sleep(10);
    latencies.push(performance.now() - startedAtMs);
  }
  const elapsed = (performance.now() - beganAtMs) / 1_000;
  const after = await server.usage();
  const perFollower = (frames - firstFrames) / followers.length / elapsed;
  console.log(
    `a room of ${memberCount.toLocaleString("en")} members, ${followers.length} follow it, ${(changes / elapsed).toFixed(0)} changes a second: ` +
      `${perFollower.toFixed(2)} frames a second each, ${((bytes - firstBytes) / (frames - firstFrames)).toFixed(0)} bytes a frame; ` +
      `server ${((after.cpuMs - before.cpuMs) / elapsed).toFixed(0)} ms of CPU a second; the first list ${(firstBytes / firstFrames / 1_024).toFixed(0)} KiB ` +
      `(load's own turns: median ${median(latencies).toFixed(0)} ms)`,
  );
  for (const client of clients) client.socket.terminate();
}

type Client = { socket: WebSocket; away: boolean };

async function connect(server: Program, userId: string): Promise<Client> {
  const token = await tokenOf(userId);
  const socket = new WebSocket(`ws://127.0.0.1:${portOf(server)}/graphql`, "graphql-transport-ws");
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () =>
      socket.send(JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${token}` } })),
    );
    socket.once("message", () => resolve());
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("The server closed a connection.")));
  });
  return { socket, away: false };
}

function startServer(databaseUrl: string, redisUrl: string): Promise<Program> {
  return startProgram({
    name: "causerie",
    program: [main],
    core: serverCore,
    ready: /http:\/\/[^:]+:(\d+)\/graphql/,
    env: {
      PORT: "0",
      HOST: "127.0.0.1",
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      JWT_SECRET: secret,
      RATE_LIMITS: "off",
      LOG_LEVEL: "warn",
    },
  });
}

async function createRoom(server: Program, userIds: string[]): Promise<string> {
  const query = `mutation ($ids: [ID!]!) { createRoom(input: { name: "Crowd", memberIds: $ids }) { room { id } userErrors { message } } }`;
  const response = await fetch(`http://127.0.0.1:${portOf(server)}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${await tokenOf(userIds[0]!)}` },
    body: JSON.stringify({ query, variables: { ids: userIds } }),
  });
  const { data } = (await response.json()) as { data: { createRoom: { room: { id: string } } } };
  return data.createRoom.room.id;
}

function portOf({ ready }: Program): number {
  return Number(ready[1]);
}

function tokenOf(subject: string): Promise<string> {
  return new SignJWT({ name: subject })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(subject)
    .setExpirationTime("2h")
    .sign(new TextEncoder().encode(secret));
}

async function commandCounts(redis: TestRedis): Promise<Map<string, number>> {
  const text = String(await redis.command("info", "commandstats"));
  const found = [...text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
  return new Map(found.filter(([, name]) => !ignored.has(name!)).map(([, name, calls]) => [name!, Number(calls)]));
}
