import { Emitter } from "@socket.io/redis-emitter";
import { messageSent, selected } from "./event.js";
import { openRedis } from "./redis.js";

export async function openPublisher(redisUrl) {
  const redis = await openRedis(redisUrl);
  const emitter = new Emitter(redis);
  return {
    publish: async (message) =>
      void emitter.to(`room.${message.roomId}`).emit("roomEvents", selected(messageSent(message))),
    close: () => redis.quit(),
  };
}
