// mercurius with its Redis emitter, as its page on subscriptions shows it.
import { once } from "node:events";
import Fastify from "fastify";
import mercurius from "mercurius";
import mqRedis from "mqemitter-redis";
import { ready } from "./ready.js";
import { typeDefs } from "./schema.js";

const emitter = mqRedis({ connectionString: process.argv[2] });
// ioredis 5 loses a SUBSCRIBE that is sent during its ready check.
await once(emitter.subConn, "ready");

const app = Fastify();
await app.register(mercurius, {
  schema: typeDefs,
  resolvers: {
    Query: { viewer: () => ({ id: "1", name: "Ada Lovelace" }) },
    Subscription: {
      roomEvents: { subscribe: async (_root, { roomId }, { pubsub }) => await pubsub.subscribe(`room.${roomId}`) },
    },
  },
  subscription: { emitter },
});

await app.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
ready(app.server.address().port);
