/** Redis servers for tests: one alone, a cluster, a master with Sentinels. All real, all on 127.0.0.1, all temporary. */
export { redisServerBinary } from "./redis-binary.ts";
export { startRedis } from "./redis-server.ts";
export type { TestRedis } from "./redis-server.ts";
export { startRedisCluster, startRedisSentinel } from "./redis-topologies.ts";
export type { TestRedisCluster, TestRedisSentinel } from "./redis-topologies.ts";
