import { openMemoryRateLimit } from "../../src/live/rate-limit.memory.ts";
import { openRedisRateLimit } from "../../src/live/rate-limit.redis.ts";
import type { RateLimit, Rates } from "../../src/live/rate-limit.ts";
import { connectRedis } from "../../src/live/redis.ts";
import { startRedis, startRedisCluster, startRedisSentinel } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { silent } from "./bus-backends.ts";

/** Where the contract is tried. */
export interface RateLimitBackend extends AsyncDisposable {
  /** One more node on it; all of one call are the same where there is only one. */
  open(rates: Rates, nodes: number): Promise<RateLimit[] & AsyncDisposable>;
}

export const backends: Record<string, () => Promise<RateLimitBackend>> = {
  memory: async () => ({
    async open(rates, nodes) {
      const alone = openMemoryRateLimit({ rates });
      const all = Array.from({ length: nodes }, () => alone);
      return Object.assign(all, { [Symbol.asyncDispose]: async () => {} });
    },
    [Symbol.asyncDispose]: async () => {},
  }),
  Redis: async () => onRedis(await startRedis()),
  "Redis Cluster": async () => onRedis(await startRedisCluster()),
  "Redis Sentinel": async () => onRedis(await startRedisSentinel()),
};

function onRedis(redis: { url: string; close: () => Promise<void> }): RateLimitBackend {
  return {
    async open(rates, count) {
      const nodes = await Promise.all(Array.from({ length: count }, () => openNode(redis.url, rates)));
      const close = async () => nodes.forEach((node) => node.close());
      return Object.assign(
        nodes.map(({ limit }) => limit),
        { [Symbol.asyncDispose]: close },
      );
    },
    [Symbol.asyncDispose]: redis.close,
  };
}

/** A node with a connection of its own, once that is there. */
export async function openNode(url: string, rates: Rates): Promise<{ limit: RateLimit; close: () => void }> {
  const { client, close } = connectRedis(url, "commands", { log: silent });
  await until("it is connected", () => client.status === "ready");
  return { limit: openRedisRateLimit({ rates, redis: client, log: silent }), close };
}
