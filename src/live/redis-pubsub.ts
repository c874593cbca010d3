import type { Redis } from "ioredis";
import { connectCluster, connectServer } from "./redis.ts";
import type { RedisConnectionOptions } from "./redis.ts";
import { createShardedSubscriber } from "./redis-shards.ts";
import { createSubscriber } from "./redis-subscriber.ts";
import type { Subscriber, SubscriberEvents } from "./redis-subscriber.ts";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisAddress } from "./redis-url.ts";

/** What the bus uses of Redis, the same for one server, Sentinel and a cluster. */
export interface RedisPubSubConnections {
  readonly publisher: RedisPublisher;
  readonly subscriber: Subscriber;
}

export interface RedisPublisher {
  /** Rejects by the deadline. Only while `isReady`. */
  publish(channel: string, text: string): Promise<unknown>;
  /** Whether publications can be handed over. */
  isReady(): boolean;
  /** Whether all of them can: the same, but in a cluster. */
  isWhole(): boolean;
  lastError(): Error | undefined;
  close(): void;
}

type Options = Omit<RedisConnectionOptions, "role"> & SubscriberEvents;

/** @throws Error that names REDIS_URL when the URL is not right. */
export function connectPubSub(url: string, options: Options): RedisPubSubConnections {
  const address = parseRedisUrl(url);
  return address.kind === "cluster" ? connectSharded(address, options) : connectPlain(address, options);
}

function connectPlain(address: RedisAddress, options: Options): RedisPubSubConnections {
  const { client, ...publisher } = connectServer(address, { ...options, role: "publisher" });
  const connection = connectServer(address, { ...options, role: "subscriber" });
  const isReady = () => client.status === "ready";
  client.on("ready", options.onChange).on("close", options.onChange);
  return {
    publisher: { ...publisher, isReady, isWhole: isReady, publish: (channel, text) => client.publish(channel, text) },
    subscriber: createSubscriber({ ...options, connection, sharded: false }),
  };
}

function connectSharded(address: RedisAddress, options: Options): RedisPubSubConnections {
  const cluster = connectCluster(address, { ...options, role: "publisher" });
  const { client, ...publisher } = cluster;
  const isReady = () => client.status === "ready";
  client.on("ready", options.onChange).on("close", options.onChange);
  client.on("+node", (node: Redis) => void node.on("ready", options.onChange).on("close", options.onChange));
  const connect = (host: string, port: number) =>
    connectServer({ ...address, kind: "single", hosts: [{ host, port }] }, { ...options, role: "subscriber" });
  return {
    publisher: {
      ...publisher,
      isReady,
      isWhole: () => isReady() && client.nodes("master").every((node) => node.status === "ready"),
      publish: (channel, text) => client.spublish(channel, text),
    },
    subscriber: createShardedSubscriber({ ...options, cluster, connect }),
  };
}
