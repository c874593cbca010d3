// The documented stock stack: graphql-yoga, graphql-ws as Yoga's page on subscriptions shows it, and
// graphql-redis-subscriptions as its README shows it.
import { createServer } from "node:http";
import { RedisPubSub } from "graphql-redis-subscriptions";
import { useServer } from "graphql-ws/use/ws";
import { createSchema, createYoga } from "graphql-yoga";
import { WebSocketServer } from "ws";
import { ready } from "./ready.js";
import { openRedis } from "./redis.js";
import { typeDefs } from "./schema.js";

const redisUrl = process.argv[2];
const pubsub = new RedisPubSub({ publisher: await openRedis(redisUrl), subscriber: await openRedis(redisUrl) });

const yoga = createYoga({
  schema: createSchema({
    typeDefs,
    resolvers: {
      Query: { viewer: () => ({ id: "1", name: "Ada Lovelace" }) },
      Subscription: {
        roomEvents: { subscribe: (_, { roomId }) => pubsub.asyncIterator(`room.${roomId}`) },
      },
    },
  }),
  graphiql: { subscriptionsProtocol: "WS" },
});

const httpServer = createServer(yoga);
const wsServer = new WebSocketServer({ server: httpServer, path: yoga.graphqlEndpoint });

useServer(
  {
    execute: (args) => args.rootValue.execute(args),
    subscribe: (args) => args.rootValue.subscribe(args),
    onSubscribe: async (ctx, _id, params) => {
      const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
        ...ctx,
        req: ctx.extra.request,
        socket: ctx.extra.socket,
        params,
      });
      const args = {
        schema,
        operationName: params.operationName,
        document: parse(params.query),
        variableValues: params.variables,
        contextValue: await contextFactory(),
        rootValue: { execute, subscribe },
      };
      const errors = validate(args.schema, args.document);
      return errors.length > 0 ? errors : args;
    },
  },
  wsServer,
);

httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => ready(httpServer.address().port));
