import { RedisPubSub } from "graphql-redis-subscriptions";
import { Redis } from "ioredis";
import { messageSent } from "./event.js";

export async function openPublisher(redisUrl) {
  const pubsub = new RedisPubSub({ publisher: new Redis(redisUrl), subscriber: new Redis(redisUrl) });
  return {
    publish: (message) => pubsub.publish(`room.${message.roomId}`, { roomEvents: messageSent(message) }),
    close: () => pubsub.close(),
  };
}
