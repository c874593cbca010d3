import type { Logger } from "pino";
import { createAccounts } from "./accounts/accounts.ts";
import { createAccountsStore } from "./accounts/accounts.store.ts";
import { createHybridLogicalClock } from "./clock/hlc.ts";
import { endpointAt, openBackends, type BackendsOptions } from "./backends.ts";
import type { Config } from "./config.ts";
import { createContexts } from "./contexts.ts";
import { registerGauges } from "./gauges.ts";
import { createErrorMask } from "./graphql/errors.ts";
import { standardLimits } from "./graphql/limits.ts";
import { createOperations } from "./graphql/operations.ts";
import { systemBoardClock } from "./live/presence-board.clock.ts";
import { createFeeds } from "./log/feeds.ts";
import { Hub, type HubOptions } from "./log/hub.ts";
import { createLogStore } from "./log/log.store.ts";
import { createRoomLog } from "./log/room-log.ts";
import { createSelections } from "./log/selections.ts";
import { createMessages } from "./messages/messages.ts";
import { createHistory } from "./messages/history.ts";
import { createMessagesStore, type ReadPages } from "./messages/messages.store.ts";
import { createOperatorActions } from "./operator-actions.ts";
import { createPresence } from "./presence/presence.ts";
import { createPresenceStore } from "./presence/presence.store.ts";
import { createPace } from "./receipts/pace.ts";
import { createReceipts } from "./receipts/receipts.ts";
import { createReceiptsStore } from "./receipts/receipts.store.ts";
import { withRates } from "./rate-limits.ts";
import { createRouting } from "./routing/routing.ts";
import { createRooms } from "./rooms/rooms.ts";
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
import { createOperatorDoor } from "./server/operator-door.ts";
import { openRevocations } from "./server/revocations.ts";
import { createRequests } from "./server/requests.ts";
import { openServer } from "./server/server.ts";
import { createLiveCosts } from "./server/live-costs.ts";
import { createShares } from "./server/shares.ts";
import { createSubscribe } from "./server/subscribe.ts";
import { openWebSocketDoor } from "./server/websocket.ts";
import { listenFault } from "./start-faults.ts";
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
export type AppOptions = Pick<BackendsOptions, "bus" | "presence"> & {
  log?: Logger;
  now?: () => number;
  doors?: { drainTimeoutMs?: number; keepAliveIntervalMs?: number };
  hub?: Pick<HubOptions, "compareIntervalMs" | "holeTimeoutMs" | "drainTimeoutMs" | "maxCatchUps" | "maxRingBytes">;
};

/** From one socket: what goes beyond is no person at a client. */
const maxMessagesPerSecond = 200;

/** The composition root: chooses embedded or shared backends, and connects everything. What it opened is closed in reverse. */
export async function startApp(config: Config, options: AppOptions = {}): Promise<App> {
  await using resources = new AsyncDisposableStack();
  const log = options.log ?? createLog(config.logLevel);
  const onFault = (fault: unknown, reference?: string) => log.error({ err: fault, reference }, "fault");

  const metrics = createMetrics();
  const backends = await openBackends(
    config,
    { log, onFault, onWaited: metrics.poolWait, bus: options.bus, presence: options.presence },
    resources,
  );
  const { database, replicas, bus, board, checkRate } = backends;

  const historyOf = (readPrimary: ReadPages) =>
    replicas ? createHistory({ primary: database, replicas, readPrimary, onPage: metrics.historyPages }) : readPrimary;
  const stores = {
    accounts: createAccountsStore(database),
    rooms: createRoomsStore(database),
    messages: createMessagesStore(database, historyOf),
    receipts: createReceiptsStore(database),
  };
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
  const rules = checkRate ? withRates(all, checkRate) : all;
  const contexts = createContexts({ stores, rules });

  const { introspection, persistedOperationsFile } = config;
  const mask = createErrorMask(onFault, { suggestions: introspection });
  const allowed =
    persistedOperationsFile === null ? null : await readPersistedOperations(persistedOperationsFile, schema);
  const operations = createOperations({ schema, mask, allowed, introspection });
  const selections = createSelections({ schema, openContexts: contexts.openContexts, mask });
  const feeds = createFeeds({
    hub,
    store: logStore,
    // As many as one inbox on each socket.
    maxFollowedRooms: config.maxSocketsPerUser * config.maxRoomsPerUser,
  });
  const subscribe = createSubscribe({
    schema,
    selections,
    feeds,
    liveCosts: createLiveCosts({ maxCost: 2 * standardLimits.maxEventCost }),
    newEventContext: contexts.newEventContext,
    mask,
  });

  const devLogin = config.devLogin ? await createDevLogin({ dataDir: config.dataDir }) : null;
  const connections = createConnections({ maxPerUser: config.maxSocketsPerUser });
  const revocations = resources.use(
    await openRevocations({
      bus,
      store: stores.accounts,
      connections,
      forget: accounts.forget,
      onFault,
      compareIntervalMs: options.hub?.compareIntervalMs,
    }),
  );
  const actions = createOperatorActions({ database, roomLog, rooms, revocations });
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
    // One operation of the largest cost, or ten small ones.
    shares: createShares({ maxCost: standardLimits.maxCost, maxWaiting: 1_000, waitTimeoutMs: 5_000 }),
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
    operators:
      config.operatorToken === null ? null : createOperatorDoor({ token: config.operatorToken, actions, onFault }),
    health: createHealth({ database, bus, replicas }),
    metrics,
  });
  registerGauges(metrics, {
    connections: () => ({ websocket: websocket.size, event_stream: httpDoor.streams }),
    subscriptions: subscribe.open,
    database,
    replicas,
    bus,
    board,
    hub,
  });
  // Before that it would tell its first clients that nobody is here.
  await backends.ready();
  const server = resources.use(
    await openServer({
      http: httpDoor,
      websocket,
      port: config.port,
      host: config.host,
    }).catch((fault: unknown) => {
      throw listenFault(fault);
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

function authenticationOf(config: Config, devLogin: DevLogin | null) {
  if (config.authentication.kind !== "dev") return config.authentication;
  return { kind: "dev" as const, secret: devLogin!.secret };
}
