import { Cluster, Redis } from "ioredis";
import type { ClusterOptions, RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { keepHeartbeat } from "./redis-heartbeat.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisAddress } from "./redis-url.ts";

/** Its name in `CLIENT LIST` is `causerie-<role>`. */
export type RedisRole = "publisher" | "subscriber" | "commands";

/** A dead connection is found within `heartbeatMs + deadlineMs` and the tenth of a second that its closing may take. */
export interface RedisTimings {
  readonly heartbeatMs: number;
  /** Of each command, and of connecting. */
  readonly deadlineMs: number;
  /** Between two attempts to connect, less up to a half of it by chance. */
  readonly maxBackoffMs: number;
}

export const redisTimings: RedisTimings = { heartbeatMs: 500, deadlineMs: 1_000, maxBackoffMs: 1_000 };

export interface RedisConnection<Client extends Redis | Cluster> {
  readonly client: Client;
  /** The latest failure since the connection was last ready, for whoever tells that it is down. */
  readonly lastError: () => Error | undefined;
  /** Whether all servers that are known can be sent commands now. */
  readonly isReady: () => boolean;
  /** For good. Commands under way are rejected. */
  readonly close: () => void;
}

export interface RedisConnectionOptions {
  role: RedisRole;
  log: Logger;
  timings: RedisTimings;
}

/**
 * Connects to what REDIS_URL names, and again without limit whenever that is lost, also when it is lost without a sign
 * (heartbeat). Returns at once, before it is connected. Commands are never kept for later: each is rejected at once while
 * the connection is down, when it breaks, or after the deadline; then it may have been executed all the same.
 * @throws Error that names REDIS_URL when the URL is not right.
 */
export function connectRedis(
  url: string,
  role: Exclude<RedisRole, "subscriber">,
  options: { log: Logger; timings?: RedisTimings },
): RedisConnection<Redis | Cluster> {
  const address = parseRedisUrl(url);
  const all = { role, log: options.log, timings: options.timings ?? redisTimings };
  return address.kind === "cluster" ? connectCluster(address, all) : connectServer(address, all);
}

/** To the one server, or to the master that the Sentinels name. */
export function connectServer(address: RedisAddress, options: RedisConnectionOptions): RedisConnection<Redis> {
  const common = commonOptions(address, options);
  const tls = address.tls ? {} : undefined;
  const sentinelOptions: RedisOptions = {
    sentinels: [...address.hosts],
    name: address.masterName,
    sentinelCommandTimeout: options.timings.deadlineMs,
    sentinelRetryStrategy: backoff(options.timings),
    ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
  };
  const to = address.kind === "sentinel" ? sentinelOptions : address.hosts[0]!;
  const client = new Redis({ ...common, ...to, db: address.db, retryStrategy: backoff(options.timings) });
  return supervised(client, () => [client], options);
}

export function connectCluster(address: RedisAddress, options: RedisConnectionOptions): RedisConnection<Cluster> {
  const clusterOptions: ClusterOptions = {
    // Nodes are connected as soon as they are known: no command has to wait for a connection.
    redisOptions: { ...commonOptions(address, options), lazyConnect: false },
    enableOfflineQueue: false,
    // It asks at once, when the nodes are known and not yet connected, and would take that for a failure.
    enableReadyCheck: false,
    clusterRetryStrategy: backoff(options.timings),
    // A command meets a slot that moves, or a failover, at most this often, a tenth of a second apart.
    maxRedirections: 5,
    slotsRefreshTimeout: options.timings.deadlineMs,
    slotsRefreshInterval: 5_000,
    // With TLS the names must stay names, or no certificate fits.
    ...(address.tls && { dnsLookup: (host, done) => done(null, host) }),
  };
  const client = new Cluster([...address.hosts], clusterOptions);
  return supervised(client, () => client.nodes(), options);
}

/** Drops an open connection so that ioredis makes a new one. False while there is none, or it is being dropped already. */
export function dropConnection(connection: Redis): boolean {
  // In another status ioredis is connecting already, and a Sentinel connection that is dropped then never comes back.
  if (connection.status !== "ready" || connection.stream.writableEnded) return false;
  connection.disconnect(true);
  return true;
}

function supervised<Client extends Redis | Cluster>(
  client: Client,
  connections: () => Redis[],
  options: RedisConnectionOptions,
): RedisConnection<Client> {
  const log = options.log.child({ redis: options.role });
  let lastError: Error | undefined;
  // A cluster tells its nodes' failures apart from its own, which say only that all nodes failed.
  for (const event of ["error", "node error"]) {
    client.on(event, (err: Error) => {
      lastError = err;
      log.debug({ err }, "Redis connection failed");
    });
  }
  client.on("ready", () => (lastError = undefined));
  const stopHeartbeat = keepHeartbeat({
    connections,
    intervalMs: options.timings.heartbeatMs,
    onDead(connection, error) {
      if (dropConnection(connection)) log.warn({ err: error }, "Redis does not answer: connecting again");
    },
  });
  return {
    client,
    lastError: () => lastError,
    isReady: () => connections().length > 0 && connections().every(({ status }) => status === "ready"),
    close() {
      stopHeartbeat();
      client.disconnect();
    },
  };
}

function commonOptions(address: RedisAddress, options: RedisConnectionOptions): RedisOptions {
  return {
    username: address.username,
    password: address.password,
    ...(address.tls && { tls: {} }),
    connectionName: `causerie-${options.role}`,
    disableClientInfo: true,
    connectTimeout: options.timings.deadlineMs,
    commandTimeout: options.timings.deadlineMs,
    // A connection that the other end does not close is closed after this; until then it would look open.
    disconnectTimeout: 100,
    // Nothing is kept while the connection is down, and nothing is sent twice.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // It tells nobody when it is done or fails; whoever subscribes does it itself.
    autoResubscribe: false,
  };
}

function backoff(timings: RedisTimings): (attempt: number) => number {
  return (attempt) => Math.min(timings.maxBackoffMs, 50 * 2 ** Math.min(attempt, 10)) * (1 - Math.random() / 2);
}
