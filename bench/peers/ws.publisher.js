import { messageSent, selected } from "./event.js";
import { openRedis } from "./redis.js";

/** Publishes the very frame that a GraphQL server would send. */
export async function openPublisher(redisUrl) {
  const redis = await openRedis(redisUrl);
  return {
    publish(message) {
      const roomEvents = selected(messageSent(message));
      const frame = JSON.stringify({ id: "1", type: "next", payload: { data: { roomEvents } } });
      return redis.publish(`room.${message.roomId}`, frame);
    },
    close: () => redis.quit(),
  };
}
