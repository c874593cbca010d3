import { Emitter } from "@socket.io/redis-emitter";
import { Redis } from "ioredis";
import { messageSent, selected } from "./event.js";

export async function openPublisher(redisUrl) {
  const redis = new Redis(redisUrl);
  const emitter = new Emitter(redis);
  return {
    publish: async (message) =>
      void emitter.to(`room.${message.roomId}`).emit("roomEvents", selected(messageSent(message))),
    close: () => redis.quit(),
  };
}
