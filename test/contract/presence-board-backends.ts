import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { pino } from "pino";
import { openRedisBus } from "../../src/live/bus.redis.ts";
import type { Bus } from "../../src/live/bus.ts";
import { openMemoryPresenceBoard } from "../../src/live/presence-board.memory.ts";
import { openRedisPresenceBoard } from "../../src/live/presence-board.redis.ts";
import type { BoardOptions, NewSession, PresenceBoard, UserPresence } from "../../src/live/presence-board.ts";
import { connectRedis } from "../../src/live/redis.ts";
import type { RedisTimings } from "../../src/live/redis.ts";
import { startRedis, startRedisCluster } from "../support/redis.ts";
import { until } from "../support/until.ts";

export const silent = pino({ level: "silent" });

/** Where the contract is tried. */
export interface BoardBackend {
  /** Two nodes on it, which may be one where there is only one. */
  open(options: NodeOptions): Promise<{ here: PresenceBoard; there: PresenceBoard } & AsyncDisposable>;
  close(): Promise<void>;
}

export const backends: Record<string, () => Promise<BoardBackend>> = {
  memory: async () => ({
    async open({ redisTimings: _timings, through: _through, over: _over, ...options }) {
      const board = openMemoryPresenceBoard({ node: node("memory"), log: silent, ...options });
      return { here: board, there: board, [Symbol.asyncDispose]: () => board.leave() };
    },
    close: async () => {},
  }),
  Redis: async () => onRedis(await startRedis()),
  "Redis Cluster": async () => onRedis(await startRedisCluster()),
};

/** Where the board's clock is moved by hand, nothing is tried again by itself: it must not be given up. */
export const patient: RedisTimings = { heartbeatMs: 500, deadlineMs: 20_000, maxBackoffMs: 1_000 };

function onRedis(redis: { url: string; close: () => Promise<void> }): BoardBackend {
  return {
    async open(options) {
      const patiently = { redisTimings: patient, ...options };
      const [here, there] = await Promise.all([openNode(redis.url, patiently), openNode(redis.url, patiently)]);
      const dispose = async () => void (await Promise.all([here.end(), there.end()]));
      return { here: here.board, there: there.board, [Symbol.asyncDispose]: dispose };
    },
    close: redis.close,
  };
}

export interface TestNode extends AsyncDisposable {
  readonly board: PresenceBoard;
  /** Leaves, and closes its connections. */
  end(): Promise<void>;
  /** Closes its connections and nothing else, as a process that is killed. */
  die(): Promise<void>;
}

export interface NodeOptions extends Partial<BoardOptions> {
  readonly redisTimings?: RedisTimings;
  /** Puts something between the board and the bus, or the connection. */
  readonly through?: (bus: Bus) => Bus;
  readonly over?: (client: Redis | Cluster) => Redis | Cluster;
}

/** A node of its own, with its lease. */
export async function openNode(url: string, options: NodeOptions = {}): Promise<TestNode> {
  const { redisTimings: timings, through = (bus) => bus, over = (client) => client, ...board } = options;
  const connection = connectRedis(url, "commands", { log: silent, ...(timings && { timings }) });
  const bus = await openRedisBus({ url, log: silent, ...(timings && { timings }) });
  await until("the connection is ready", () => connection.client.status === "ready");
  const opened = openRedisPresenceBoard({
    node: node(`node-${randomUUID().slice(0, 8)}`),
    log: silent,
    ...board,
    redis: over(connection.client),
    bus: through(bus),
  });
  await until("the node has its lease", () => opened.up);
  const die = async () => {
    connection.close();
    await bus.close();
  };
  const end = async () => {
    await opened.leave();
    await die();
  };
  return { board: opened, end, die, [Symbol.asyncDispose]: end };
}

export const node = (nodeId: string) => ({ nodeId, url: null });

/** Online on the web, in no room, unless it says otherwise. */
export function session(userId: string, more: Partial<NewSession> = {}): NewSession {
  return { sessionId: randomUUID(), userId, status: "ONLINE", device: "WEB", roomId: null, ...more };
}

export async function presenceOf(board: PresenceBoard, userId: string): Promise<UserPresence> {
  const { users } = await board.read([userId]);
  return users.get(userId)!;
}

/** Waits until the board shows the user so. */
export async function shows(board: PresenceBoard, userId: string, expected: Partial<UserPresence>): Promise<void> {
  const wanted = JSON.stringify(expected);
  let got = "";
  await until(
    `the board shows ${userId} with ${wanted}`,
    async () => {
      const presence = await presenceOf(board, userId);
      const names = Object.keys(expected) as (keyof UserPresence)[];
      got = JSON.stringify(Object.fromEntries(names.map((name) => [name, presence[name]])));
      return got === wanted;
    },
    20_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)} It shows ${got}.`, { cause: error });
  });
}

export interface Observer {
  /** All that was told, oldest first. */
  readonly told: UserPresence[];
  /** As the watch has it now. */
  current(userId: string): UserPresence;
  add(userIds: string[]): Promise<"watching" | "full">;
  remove(userIds: string[]): void;
  close(): void;
}

export async function observe(board: PresenceBoard, userIds: string[]): Promise<Observer> {
  const told: UserPresence[] = [];
  const watch = await board.watch(userIds, (presence) => told.push(presence));
  if (watch === "full") throw new Error("The board is full.");
  return { ...watch, told, current: (userId) => watch.current([userId])[0]! };
}
