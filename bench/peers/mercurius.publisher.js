import { promisify } from "node:util";
import mqRedis from "mqemitter-redis";
import { messageSent } from "./event.js";

export async function openPublisher(redisUrl) {
  const emitter = mqRedis({ connectionString: redisUrl });
  const emit = promisify(emitter.emit.bind(emitter));
  return {
    publish: (message) => emit({ topic: `room.${message.roomId}`, payload: { roomEvents: messageSent(message) } }),
    close: promisify(emitter.close.bind(emitter)),
  };
}
