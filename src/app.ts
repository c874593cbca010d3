import { join } from "node:path";
import type { Logger } from "pino";
import { createAccounts } from "./accounts/accounts.ts";
import { createAccountsStore } from "./accounts/accounts.store.ts";
import { createHybridLogicalClock } from "./clock/hlc.ts";
import type { Config } from "./config.ts";
import { createContexts } from "./contexts.ts";
import { openEmbeddedDatabase } from "./database/embedded.ts";
import { migrate } from "./database/migrate.ts";
import { openDatabase, type Database } from "./database/pool.ts";
import { openReplicas, type Replicas } from "./database/replicas.ts";
import { createErrorMask } from "./graphql/errors.ts";
import { createOperations } from "./graphql/operations.ts";
import { openMemoryBus } from "./live/bus.memory.ts";
import { openRedisBus } from "./live/bus.redis.ts";
import type { Bus } from "./live/bus.ts";
import { systemBoardClock } from "./live/presence-board.clock.ts";
import { openMemoryPresenceBoard } from "./live/presence-board.memory.ts";
import { openRedisPresenceBoard } from "./live/presence-board.redis.ts";
import type { BoardOptions, PresenceBoard } from "./live/presence-board.ts";
import { openMemoryRateLimit } from "./live/rate-limit.memory.ts";
import { openRedisRateLimit } from "./live/rate-limit.redis.ts";
import { connectRedis } from "./live/redis.ts";
import { waitFor } from "./live/wait-for.ts";
import { createFeeds } from "./log/feeds.ts";
import { Hub, type HubOptions } from "./log/hub.ts";
import { createLogStore } from "./log/log.store.ts";
import { createRoomLog, type RoomLog } from "./log/room-log.ts";
import { createSelections } from "./log/selections.ts";
import { createMessages } from "./messages/messages.ts";
import { createHistory } from "./messages/history.ts";
import { createMessagesStore, type ReadPages } from "./messages/messages.store.ts";
import { copyOf } from "./personal-data/copy.ts";
import { createErasure } from "./personal-data/erasure.ts";
import { createPersonalDataStore } from "./personal-data/personal-data.store.ts";
import { createPresence } from "./presence/presence.ts";
import { createPresenceStore } from "./presence/presence.store.ts";
import { createPace } from "./receipts/pace.ts";
import { createReceipts } from "./receipts/receipts.ts";
import { createReceiptsStore } from "./receipts/receipts.store.ts";
import { createRateCheck, rates, withRates, type CheckRate } from "./rate-limits.ts";
import { createRouting } from "./routing/routing.ts";
import { createRooms, type Rooms } from "./rooms/rooms.ts";
import { createRoomsStore } from "./rooms/rooms.store.ts";
import { schema } from "./schema.ts";
import { createLog } from "./server-log.ts";
import { createAuthentication } from "./server/authentication.ts";
import { createConnections } from "./server/connections.ts";
import { createDevLogin, type DevLogin } from "./server/dev-login.ts";
import { createHttpDoor } from "./server/http.ts";
import { createOriginCheck } from "./server/origins.ts";
import { readPersistedOperations } from "./server/persisted-operations.ts";
import { createHealth } from "./server/health.ts";
import { createMetrics } from "./server/metrics.ts";
import { createOperatorDoor, type OperatorDoor } from "./server/operator-door.ts";
import { openRevocations, type Revocations } from "./server/revocations.ts";
import { createRequests } from "./server/requests.ts";
import { openServer } from "./server/server.ts";
import { createSubscribe } from "./server/subscribe.ts";
import { openWebSocketDoor } from "./server/websocket.ts";
import { createSync } from "./sync/sync.ts";
import { createTyping } from "./typing/typing.ts";

export interface App extends AsyncDisposable {
  /** Where it listens, without a slash at its end. */
  readonly url: string;
  readonly hub: Hub;
  readonly close: () => Promise<void>;
  /** Takes note of what went wrong and was nobody's to handle. */
  readonly onFault: (fault: unknown) => void;
}

/** What tests put in place of the real thing. */
export type AppOptions = {
  log?: Logger;
  bus?: Bus;
  now?: () => number;
  doors?: { drainTimeoutMs?: number; keepAliveIntervalMs?: number };
  presence?: Pick<BoardOptions, "clock" | "timings" | "limits">;
  hub?: Pick<HubOptions, "compareIntervalMs" | "holeTimeoutMs" | "drainTimeoutMs" | "maxCatchUps">;
};

/** From one socket: what goes beyond is no person at a client. */
const maxMessagesPerSecond = 200;

/** How long a start waits for Redis: without it the server serves all the same. */
const redisWithinMs = 1_500;

/** The composition root: chooses embedded or shared backends, and connects everything. What it opened is closed in reverse. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  await using resources = new AsyncDisposableStack();
  const log = options.log ?? createLog(config.logLevel);
  const onFault = (fault: unknown, reference?: string) => log.error({ err: fault, reference }, "fault");

  const databaseUrl = config.databaseUrl ?? resources.use(await openEmbedded(config, log)).url;
  const metrics = createMetrics();
  const applicationName = `causerie ${config.nodeId}`;
  const database = resources.use(
    openDatabase({ url: databaseUrl, onFault, applicationName, onWaited: metrics.poolWait }),
  );
  const applied = await migrate(database);
  if (applied.length > 0) log.info({ applied }, "database migrated");
  const bus = options.bus ?? resources.use(await openBus(config, log));
  const redis = await openRedis(config, log, resources);

  const replicas = openReplicasOf(config, { onFault, applicationName });
  if (replicas) {
    resources.use(replicas);
    metrics.gauge("replicas_up", "Replicas that answered when they were last asked.", () => replicas.up);
  }
  const historyOf = (readPrimary: ReadPages) =>
    replicas ? createHistory({ primary: database, replicas, readPrimary, onPage: metrics.historyPages }) : readPrimary;
  const stores = {
    accounts: createAccountsStore(database),
    rooms: createRoomsStore(database),
    messages: createMessagesStore(database, historyOf),
    receipts: createReceiptsStore(database),
  };
  const board = resources.use(openBoard({ config, options, log, bus, redis }));
  const logStore = createLogStore(database);
  const clock = createHybridLogicalClock({ now: options.now ?? Date.now });
  const hub = resources.use(
    new Hub({ nodeId: config.nodeId, bus, store: logStore, metrics: metrics.hub, onFault, clock, ...options.hub }),
  );
  const messages = createMessages({
    store: stores.messages,
    hub,
    clock,
    nodeId: config.nodeId,
    onBatch: metrics.sendBatch,
  });
  const receipts = createReceipts({ store: stores.receipts, hub, pace: createPace() });
  const accounts = createAccounts({ store: stores.accounts });
  const roomLog = createRoomLog({ database, hub });
  const rooms = createRooms({ log: roomLog, maxRoomsPerUser: config.maxRoomsPerUser });
  const sync = createSync({ store: logStore, maxCursors: 2 * config.maxRoomsPerUser });
  const live = { clock: options.presence?.clock ?? systemBoardClock, bus, hub, onFault };
  const presenceStore = createPresenceStore(database);
  const presence = resources.use(createPresence({ ...live, board, store: presenceStore, rooms: stores.rooms }));
  const typing = resources.use(createTyping({ ...live, store: stores.rooms }));
  let url = config.publicUrl ?? "";
  const own = () => ({ nodeId: config.nodeId, url: endpointAt(url), isAdvertised: config.publicUrl !== null });
  const routing = createRouting({ own, liveNodes: () => board.nodes() });
  const all = { accounts, rooms, messages, receipts, sync, presence, typing, routing };
  const checkRate = config.rateLimits ? openRateLimits(log, redis) : null;
  const rules = checkRate ? withRates(all, checkRate) : all;
  const contexts = createContexts({ stores, rules });

  const { introspection, persistedOperationsFile } = config;
  const mask = createErrorMask(onFault, { suggestions: introspection });
  const allowed =
    persistedOperationsFile === null ? null : await readPersistedOperations(persistedOperationsFile, schema);
  const operations = createOperations({ schema, mask, allowed, introspection });
  const selections = createSelections({ schema, openContexts: contexts.openContexts, mask });
  const feeds = createFeeds({ hub, store: logStore });
  const subscribe = createSubscribe({ schema, selections, feeds, newEventContext: contexts.newEventContext, mask });

  const devLogin = config.devLogin ? await createDevLogin({ dataDir: config.dataDir }) : null;
  const connections = createConnections({ maxPerUser: config.maxSocketsPerUser });
  const revocations = resources.use(
    await openRevocations({ bus, store: stores.accounts, connections, forget: accounts.forget, onFault }),
  );
  const door = {
    schema,
    operations,
    subscribe,
    mask,
    authentication: createAuthentication(authenticationOf(config, devLogin), { log }),
    signIn: accounts.signIn,
    newContext: contexts.newContext,
    isAllowedOrigin: createOriginCheck(config),
    connections,
    maxBufferedBytes: config.maxBufferedBytes,
    now: Date.now,
    requests: createRequests({ log, metrics: metrics.requests }),
    onFault,
    ...options.doors,
  };
  const websocket = openWebSocketDoor({
    ...door,
    maxSubscriptionsPerSocket: config.maxSubscriptionsPerSocket,
    maxMessagesPerSecond: config.rateLimits ? maxMessagesPerSecond : Infinity,
    onOpened: presence.opened,
    onClosed(connectionId) {
      typing.closed(connectionId);
      presence.closed(connectionId);
    },
  });
  const httpDoor = createHttpDoor({
    ...door,
    devLogin,
    trustedProxies: config.trustedProxies,
    admitSignIn: (address) => checkRate?.("signIn", address),
    operators: openOperatorDoor({ token: config.operatorToken, database, roomLog, rooms, revocations, onFault }),
    health: createHealth({ database, bus, replicas }),
    metrics,
  });
  metrics.gauges("connections", "Open WebSockets and event streams.", {
    label: "kind",
    read: () => ({ websocket: websocket.size, event_stream: httpDoor.streams }),
  });
  metrics.gauges("subscriptions", "Open subscriptions.", { label: "field", read: subscribe.open });
  metrics.gauges("database_connections", "Connections of the pool; waiting: who waits for one.", {
    label: "state",
    read: () => {
      const { totalCount, idleCount, waitingCount } = database.pool;
      return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
    },
  });
  metrics.gauge("catch_ups_waiting", "Reads for subscribers that wait for their turn.", () => hub.waitingCatchUps);
  metrics.gauge("bus_up", "1 while the other nodes' publications arrive, as far as known.", () => Number(bus.up));
  metrics.gauge(
    "lease_age_seconds",
    "Since this node's lease was last renewed: it is lost after 6.",
    () => board.stats.leaseAgeMsNow / 1_000,
  );
  metrics.gauge("watched_rooms", "Rooms that somebody on this node watches.", () => hub.watchedRooms);
  metrics.gauge("groups", "Groups of subscribers who asked alike, over all rooms.", () => hub.groups);
  metrics.gauge("presence_sessions", "Connections that count for presence.", () => board.stats.sessionsNow);
  metrics.gauge(
    "presence_watched",
    "Users whose presence somebody on this node watches.",
    () => board.stats.watchedUsersNow,
  );
  metrics.gauge(
    "presence_unwritten",
    "Changes of presence that other nodes do not know yet.",
    () => board.stats.unwrittenNow,
  );
  // Before that it would tell its first clients that nobody is here.
  await waitFor(() => board.up && bus.up, redisWithinMs);
  const server = resources.use(
    await openServer({
      http: httpDoor,
      websocket,
      port: config.port,
      host: config.host,
    }),
  );

  url ||= server.url;
  // Before the sockets are closed, so that whoever is sent to another node is seen all the while.
  resources.defer(presence.drain);

  const opened = resources.move();
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= opened.disposeAsync());
  return { url: server.url, hub, close, onFault: (fault) => onFault(fault), [Symbol.asyncDispose]: close };
}

function openOperatorDoor(use: {
  token: string | null;
  database: Database;
  roomLog: RoomLog;
  rooms: Rooms;
  revocations: Revocations;
  onFault: (fault: unknown) => void;
}): OperatorDoor | null {
  const { token, database, roomLog: log, rooms, revocations, onFault } = use;
  if (token === null) return null;
  const store = createPersonalDataStore(database);
  const { erase } = createErasure({ store, log, rooms, revoke: (userId) => revocations.revoke(userId) });
  return createOperatorDoor({
    token,
    onFault,
    actions: {
      async *revoke(userId) {
        yield { userId, published: await revocations.revoke(userId) };
      },
      export: (userId) => copyOf(store, userId),
      erase,
    },
  });
}

function openReplicasOf(
  { databaseReplicaUrls: urls }: Config,
  use: { onFault: (fault: unknown) => void; applicationName: string },
): Replicas | null {
  return urls.length === 0 ? null : openReplicas({ urls, ...use });
}

function openEmbedded(config: Config, log: Logger) {
  return openEmbeddedDatabase({ dataDir: join(config.dataDir, "postgres"), log: (line) => log.info(line) });
}

async function openBus(config: Config, log: Logger): Promise<Bus> {
  return config.redisUrl === null ? openMemoryBus({ log }) : openRedisBus({ url: config.redisUrl, log });
}

const endpointAt = (url: string) => `${url.replace(/^http/, "ws")}/graphql`;

/** For commands; null where the server is alone. */
async function openRedis(config: Config, log: Logger, resources: AsyncDisposableStack) {
  if (config.redisUrl === null) return null;
  const { client, close, isReady } = connectRedis(config.redisUrl, "commands", { log });
  resources.defer(close);
  // What is asked of it first is not asked again for seconds.
  await waitFor(isReady, redisWithinMs);
  return client;
}

type RedisCommands = Awaited<ReturnType<typeof openRedis>>;

function openBoard(use: {
  config: Config;
  options: AppOptions;
  log: Logger;
  bus: Bus;
  redis: RedisCommands;
}): PresenceBoard {
  const { config, options, log, bus, redis } = use;
  const node = { nodeId: config.nodeId, url: config.publicUrl && endpointAt(config.publicUrl) };
  const boardOptions = { node, log, ...options.presence };
  return redis ? openRedisPresenceBoard({ ...boardOptions, redis, bus }) : openMemoryPresenceBoard(boardOptions);
}

function openRateLimits(log: Logger, redis: RedisCommands): CheckRate {
  return createRateCheck(redis ? openRedisRateLimit({ rates, redis, log }) : openMemoryRateLimit({ rates }));
}

function authenticationOf(config: Config, devLogin: DevLogin | null) {
  if (config.authentication.kind !== "dev") return config.authentication;
  return { kind: "dev" as const, secret: devLogin!.secret };
}
