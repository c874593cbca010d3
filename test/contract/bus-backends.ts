import { pino } from "pino";
import type { Logger } from "pino";
import { openMemoryBus } from "../../src/live/bus.memory.ts";
import { openRedisBus } from "../../src/live/bus.redis.ts";
import type { Bus, BusSubscription } from "../../src/live/bus.ts";
import { startRedis, startRedisCluster, startRedisSentinel } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";

/** Where the contract is tried. */
export interface BusBackend {
  /** One more node on it. */
  open(log?: Logger): Promise<Bus>;
  /** How many connections are subscribed to the channel; null where nobody can tell. */
  subscribed: ((channel: string) => Promise<number>) | null;
  close(): Promise<void>;
}

export const backends: Record<string, () => Promise<BusBackend>> = {
  memory: async () => {
    // All nodes are this one.
    const bus = openMemoryBus({ log: silent });
    return { open: async (log) => (log ? openMemoryBus({ log }) : bus), subscribed: null, close: () => bus.close() };
  },
  Redis: async () => {
    const redis = await startRedis();
    return onRedis({ ...redis, servers: [redis], count: "numsub" });
  },
  "Redis Cluster": async () => {
    const cluster = await startRedisCluster();
    return onRedis({ ...cluster, servers: cluster.nodes, count: "shardnumsub" });
  },
  "Redis Sentinel": async () => {
    const sentinel = await startRedisSentinel();
    return onRedis({ ...sentinel, servers: [sentinel.master], count: "numsub" });
  },
};

export const silent = pino({ level: "silent" });

function onRedis(options: {
  url: string;
  servers: TestRedis[];
  count: "numsub" | "shardnumsub";
  close: () => Promise<void>;
}): BusBackend {
  return {
    open: (log = silent) => openRedisBus({ url: options.url, log }),
    subscribed: (channel) => subscribed(options.servers, channel, options.count),
    close: options.close,
  };
}

export async function subscribed(
  servers: TestRedis[],
  channel: string,
  count: "numsub" | "shardnumsub" = "numsub",
): Promise<number> {
  const counts = await Promise.all(
    servers.map(async (server) => {
      const reply = (await server.command("pubsub", count, channel)) as [string, number];
      return reply[1];
    }),
  );
  return counts.reduce((sum, number) => sum + number, 0);
}

/** A listener that keeps what it hears. */
export function listen(bus: Bus, channel: string): { heard: string[]; subscription: BusSubscription } {
  const heard: string[] = [];
  return { heard, subscription: bus.subscribe(channel, (text) => void heard.push(text)) };
}

/** What the bus says of itself from now on. */
export function watch(bus: Bus): { states: boolean[]; recoveries: () => number } {
  const states: boolean[] = [];
  let recoveries = 0;
  bus.onStateChange((up) => void states.push(up));
  bus.onRecovered(() => void (recoveries += 1));
  return { states, recoveries: () => recoveries };
}
