import { once } from "node:events";
import { Redis } from "ioredis";

/** A client that is ready: ioredis 5 loses a SUBSCRIBE that is sent during its ready check. */
export async function openRedis(url) {
  const redis = new Redis(url);
  await once(redis, "ready");
  return redis;
}
