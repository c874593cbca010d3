import { buildSchema, type ExecutionArgs, type GraphQLObjectType, subscribe } from "graphql";
import { pino } from "pino";
import { createErrorMask } from "../../src/graphql/errors.ts";
import { standardLimits } from "../../src/graphql/limits.ts";
import { createOperations } from "../../src/graphql/operations.ts";
import { createAuthentication, type Identity } from "../../src/server/authentication.ts";
import { createConnections, type Connections } from "../../src/server/connections.ts";
import { createHttpDoor, type HttpDoorOptions } from "../../src/server/http.ts";
import { createMetrics } from "../../src/server/metrics.ts";
import { createRequests } from "../../src/server/requests.ts";
import { createOriginCheck } from "../../src/server/origins.ts";
import { openServer, type OpenServer } from "../../src/server/server.ts";
import { createShares } from "../../src/server/shares.ts";
import type { Subscribe } from "../../src/server/subscribe.ts";
import { openWebSocketDoor, type WebSocketDoorOptions } from "../../src/server/websocket.ts";
import { testSecret } from "../support/app.ts";

export type SmallServer = OpenServer & {
  readonly connections: Connections;
  /** What was logged, with the reference that the client was given. */
  readonly faults: { fault: unknown; reference: string | undefined }[];
};

export type Resolvers = Record<string, Record<string, unknown>>;

/** The doors as they are, in front of a schema of the test's own: what it does can be held up, counted and made to fail. */
export async function startSmallServer({
  types,
  resolvers,
  maxPerUser = 100,
  maxCostOfUser = standardLimits.maxCost,
  maxWaitingRequests = 1_000,
  waitTimeoutMs = 5_000,
  now = Date.now,
  signIn = async ({ userId }: Identity) => ({ id: userId, name: userId, avatarUrl: null }),
  ...options
}: {
  types: string;
  resolvers: Resolvers;
  maxPerUser?: number;
  maxCostOfUser?: number;
  maxWaitingRequests?: number;
  waitTimeoutMs?: number;
} & Partial<WebSocketDoorOptions & HttpDoorOptions>): Promise<SmallServer> {
  const faults: SmallServer["faults"] = [];
  const onFault = (fault: unknown, reference?: string) => void faults.push({ fault, reference });
  const schema = withResolvers(types, resolvers);
  const mask = createErrorMask(onFault);
  const connections = createConnections({ maxPerUser });
  const subscribeToAnything: Subscribe = async (args: ExecutionArgs) => {
    try {
      return await subscribe(args);
    } catch (error) {
      return { errors: [mask(error)] };
    }
  };
  const door = {
    schema,
    mask,
    connections,
    now,
    signIn,
    onFault,
    operations: createOperations({ schema, mask }),
    subscribe: subscribeToAnything,
    authentication: createAuthentication(
      { kind: "secret", secret: new TextEncoder().encode(testSecret), issuer: null, audience: null },
      { log: pino({ level: "silent" }) },
    ),
    newContext: () => ({}) as never,
    isAllowedOrigin: createOriginCheck({ allowedOrigins: [], allowLocalhostOrigins: false, devLogin: false }),
    maxBufferedBytes: 256 * 1024,
    maxSubscriptionsPerSocket: 100,
    maxMessagesPerSecond: Infinity,
    devLogin: null,
    trustedProxies: 0,
    shares: createShares({ maxCost: maxCostOfUser, maxWaiting: maxWaitingRequests, waitTimeoutMs }),
    requests: createRequests({ log: pino({ level: "silent" }), metrics: createMetrics().requests }),
    health: { read: async () => ({ status: "ok" as const, checks: {} }) },
    metrics: { contentType: "text/plain; version=0.0.4; charset=utf-8" as const, text: async () => "" },
    ...options,
  };
  const http = createHttpDoor(door);
  const websocket = openWebSocketDoor(door);
  const server = await openServer({ http, websocket, port: 0, host: "127.0.0.1" });
  return Object.assign(server, { connections, faults });
}

function withResolvers(types: string, resolvers: Resolvers) {
  const schema = buildSchema(types);
  for (const [typeName, fields] of Object.entries(resolvers)) {
    const type = schema.getType(typeName) as GraphQLObjectType;
    for (const [name, resolver] of Object.entries(fields)) {
      const key = typeName === "Subscription" ? "subscribe" : "resolve";
      Object.assign(type.getFields()[name]!, { [key]: resolver });
      if (key === "subscribe") Object.assign(type.getFields()[name]!, { resolve: (value: unknown) => value });
    }
  }
  return schema;
}
