import { afterAll, beforeAll, expect, test } from "vitest";
import { randomOf, seedOf, startTestApp, type TestApp } from "../support/app.ts";
import { inLanes } from "../support/lanes.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { presenceOf, TestDevice, type Observed } from "../support/presence.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

const userCount = 200;
const connectionCount = 500;
const rounds = 3;
const graceMs = 300;
const statuses = ["ONLINE", "AWAY", "BUSY", "OFFLINE"];
const kinds = ["WEB", "MOBILE", "DESKTOP"];

// Two server processes on one Redis and one Postgres; one of the two is this process.
let redis: TestRedis;
let database: TestDatabase;
let here: TestApp;
let there: ServerProcess;
let servers: { url: string }[];
let alice: TestUser;
let users: TestUser[];
let roomId: string;

beforeAll(async () => {
  redis = await startRedis();
  database = await createTestDatabase();
  const presence = { timings: { graceMs } };
  here = await startTestApp({ databaseUrl: database.url, env: { REDIS_URL: redis.url }, presence });
  there = await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url });
  servers = [here, there];
  alice = await TestUser.open(here, "alice");
  users = [];
  for (let index = 0; index < userCount; index += 1) users.push(await TestUser.open(here, `user-${index}`));
  roomId = await alice.createRoom(
    "All",
    users.map(({ id }) => id),
  );
});

afterAll(async () => {
  await there?.[Symbol.asyncDispose]();
  await here?.close();
  await database?.close();
  await redis?.close();
});

/** What a connection says of itself, which is the truth. */
type Connection = { userId: string; status: string; device: string; opened: TestDevice | null };

test(
  `after ${connectionCount} connections went up and down at random, what every observer believes is the truth`,
  { timeout: 180_000 },
  async () => {
    const random = randomOf(seedOf("presence at random"));
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)]!;
    const connections = Array.from({ length: connectionCount }, (_, index): Connection => {
      return { userId: users[index % userCount]!.id, status: "ONLINE", device: "WEB", opened: null };
    });
    const observed = await observeFromEverywhere();

    async function step(connection: Connection, server: { url: string }, action: number): Promise<void> {
      const { opened } = connection;
      if (opened === null) {
        const user = users.find(({ id }) => id === connection.userId)!;
        connection.opened = await TestDevice.open(user.at(server), { device: connection.device });
        connection.status = "ONLINE";
      } else if (action < 0.4) {
        connection.opened = null;
        opened.cut();
      } else if (action < 0.8) {
        connection.opened = null;
        await opened.close();
      } else await opened.setPresence({ status: connection.status, device: connection.device });
    }

    for (let round = 0; round < rounds; round += 1) {
      // Several at a time, each on its own way; what they do was chosen before, so that the seed tells all of it.
      const plan = connections.map((connection) => {
        return { connection, server: pick(servers), action: random(), status: pick(statuses), device: pick(kinds) };
      });
      await inLanes(plan, 10, async ({ connection, server, action, status, device }) => {
        // All come up in the first round, fewer later.
        if (connection.opened === null && round > 0 && action < 0.6) return;
        if (connection.opened === null || action >= 0.8) Object.assign(connection, { status, device });
        await step(connection, server, action);
      });
    }

    const truth = new Map(users.map(({ id }) => [id, sumOf(connections.filter(({ userId }) => userId === id))]));
    const wrong = (believed: { states: Map<string, { status: string; devices: string[] }> }) =>
      [...truth].filter(([id, expected]) => {
        const state = believed.states.get(id);
        return state?.status !== expected.status || state.devices.join() !== expected.devices.join();
      });
    for (const [name, each] of observed)
      await until(`${name} believes the truth`, () => wrong(each).length === 0, 20_000).catch((cause: unknown) => {
        const told = wrong(each).map(([id, expected]) => [id, expected, each.of(id).slice(-3)]);
        throw new Error(`${name}: ${JSON.stringify(told.slice(0, 3))}`, { cause });
      });
    for (const server of servers) {
      const ids = users.map(({ id }) => id);
      const states = new Map((await presenceOf(alice.at(server), ids)).map((state) => [state.id, state]));
      expect(wrong({ states })).toEqual([]);
    }
    const online = [...truth.values()].filter(({ status }) => status !== "OFFLINE").length;
    const lists = [...observed.values()].map((each) => each.lists.length);
    console.info(`${online} of ${userCount} users are not OFFLINE at the end; lists told: ${lists.join(", ")}`);
    expect(online).toBeGreaterThan(0);
    for (const { opened } of connections) opened?.cut();
    for (const each of observed.values()) {
      for (const { id } of users) await each.sees(id, { status: "OFFLINE", devices: [] }, 20_000);
    }
  },
);

/** At both servers, by room and by users. */
async function observeFromEverywhere(): Promise<Map<string, Observed>> {
  const observed = new Map<string, Observed>();
  for (const [index, server] of servers.entries()) {
    const device = await TestDevice.open(alice.at(server));
    observed.set(`by room at ${index}`, device.presence({ roomId }));
    observed.set(`by users at ${index}`, device.presence({ userIds: users.map(({ id }) => id) }));
  }
  for (const each of observed.values()) await each.next();
  return observed;
}

function sumOf(connections: readonly Connection[]): { status: string; devices: string[] } {
  const visible = connections.filter(({ opened, status }) => opened !== null && status !== "OFFLINE");
  const status = ["BUSY", "ONLINE", "AWAY"].find((each) => visible.some((one) => one.status === each)) ?? "OFFLINE";
  return { status, devices: kinds.filter((kind) => visible.some(({ device }) => device === kind)) };
}
