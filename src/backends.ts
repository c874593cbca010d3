import { join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "./config.ts";
import { openEmbeddedDatabase } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { openDatabase, type Database } from "./database/pool.ts";
import { openReplicas, type Replicas } from "./database/replicas.ts";
import { openMemoryBus } from "./live/bus.memory.ts";
import { openRedisBus } from "./live/bus.redis.ts";
import type { Bus } from "./live/bus.ts";
import { openMemoryPresenceBoard } from "./live/presence-board.memory.ts";
import { openRedisPresenceBoard } from "./live/presence-board.redis.ts";
import type { BoardOptions, PresenceBoard } from "./live/presence-board.ts";
import { openMemoryRateLimit } from "./live/rate-limit.memory.ts";
import { openRedisRateLimit } from "./live/rate-limit.redis.ts";
import { connectRedis } from "./live/redis.ts";
import { waitFor } from "./live/wait-for.ts";
import { databaseFault } from "./start-faults.ts";
import { createRateCheck, rates, type CheckRate } from "./rate-limits.ts";

/** What everything stands on: embedded and in memory, or shared with other nodes, as the configuration says. */
export interface Backends {
  readonly database: Database;
  readonly replicas: Replicas | null;
  readonly bus: Bus;
  readonly board: PresenceBoard;
  /** Null: no limits. */
  readonly checkRate: CheckRate | null;
  /** Resolves when the other nodes are heard and the board is known, or when that takes too long to wait for. */
  ready(): Promise<void>;
}

export type BackendsOptions = {
  log: Logger;
  onFault: (fault: unknown) => void;
  /** Told how long each statement or transaction waited for a connection. */
  onWaited: (seconds: number) => void;
  /** Used instead of one of its own, and not closed. */
  bus?: Bus;
  presence?: Pick<BoardOptions, "clock" | "timings" | "limits">;
};

/** How long a start waits for Redis: without it the server serves all the same. */
const redisWithinMs = 1_500;

/** Opens them in order, the database migrated, and leaves their closing to `resources`. */
export async function openBackends(
  config: Config,
  { log, onFault, onWaited, ...options }: BackendsOptions,
  resources: AsyncDisposableStack,
): Promise<Backends> {
  const applicationName = `causerie ${config.nodeId}`;
  const url = config.databaseUrl ?? resources.use(await openEmbedded(config, log)).url;
  const database = resources.use(openDatabase({ url, onFault, applicationName, onWaited }));
  const applied = await migrate(database).catch((fault: unknown) => {
    throw databaseFault(fault, { isGiven: config.databaseUrl !== null });
  });
  if (applied.length > 0) log.info({ applied }, "database migrated");
  const bus = options.bus ?? resources.use(await openBus(config, log));
  const redis = await openRedis(config, log, resources);

  const { databaseReplicaUrls: urls } = config;
  const replicas = urls.length > 0 ? resources.use(openReplicas({ urls, onFault, applicationName })) : null;
  const node = { nodeId: config.nodeId, url: config.publicUrl && endpointAt(config.publicUrl) };
  const ofBoard = { node, log, ...options.presence };
  const board = resources.use(
    redis ? openRedisPresenceBoard({ ...ofBoard, redis, bus }) : openMemoryPresenceBoard(ofBoard),
  );
  const openRateLimit = () => (redis ? openRedisRateLimit({ rates, redis, log }) : openMemoryRateLimit({ rates }));
  return {
    database,
    replicas,
    bus,
    board,
    checkRate: config.rateLimits ? createRateCheck(openRateLimit()) : null,
    ready: async () => void (await waitFor(() => board.up && bus.up, redisWithinMs)),
  };
}

/** Where clients connect to a node whose URL is `url`. */
export const endpointAt = (url: string) => `${url.replace(/^http/, "ws")}/graphql`;

function openEmbedded(config: Config, log: Logger) {
  return openEmbeddedDatabase({ dataDir: join(config.dataDir, "postgres"), log: (line) => log.info(line) });
}

async function openBus(config: Config, log: Logger): Promise<Bus> {
  return config.redisUrl === null ? openMemoryBus({ log }) : openRedisBus({ url: config.redisUrl, log });
}

/** For commands; null where the server is alone. */
async function openRedis(config: Config, log: Logger, resources: AsyncDisposableStack) {
  if (config.redisUrl === null) return null;
  const { client, close, isReady } = connectRedis(config.redisUrl, "commands", { log });
  resources.defer(close);
  // What is asked of it first is not asked again for seconds.
  await waitFor(isReady, redisWithinMs);
  return client;
}
