import { RedisPubSub } from "graphql-redis-subscriptions";
import { messageSent } from "./event.js";
import { openRedis } from "./redis.js";

export async function openPublisher(redisUrl) {
  const pubsub = new RedisPubSub({ publisher: await openRedis(redisUrl), subscriber: await openRedis(redisUrl) });
  return {
    publish: (message) => pubsub.publish(`room.${message.roomId}`, { roomEvents: messageSent(message) }),
    close: () => pubsub.close(),
  };
}
