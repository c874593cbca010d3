import { connectCluster, connectServer } from "./redis.ts";
import type { RedisConnectionOptions } from "./redis.ts";
import { createShardedSubscriber } from "./redis-shards.ts";
import { createSubscriber } from "./redis-subscriber.ts";
import type { Subscriber, SubscriberEvents } from "./redis-subscriber.ts";
import { parseRedisUrl } from "./redis-url.ts";

/** What the bus uses of Redis, the same for one server, Sentinel and a cluster. */
export interface RedisPubSubConnections {
  readonly subscriber: Subscriber;
  /** Rejects by the deadline. Only while `isReady`. */
  publish(channel: string, text: string): Promise<unknown>;
  /** Whether publications can be handed over. */
  isReady(): boolean;
  /** Whether all channels are listened to as well. */
  isUp(): boolean;
  acknowledged(channel: string): Promise<boolean>;
  lastError(): Error | undefined;
  close(): void;
}

/** @throws Error that names REDIS_URL when the URL is not right. */
export function connectPubSub(
  url: string,
  options: Omit<RedisConnectionOptions, "role"> & SubscriberEvents,
): RedisPubSubConnections {
  const address = parseRedisUrl(url);
  const asPublisher = { ...options, role: "publisher" } as const;
  const asSubscriber = { ...options, role: "subscriber" } as const;

  if (address.kind !== "cluster") {
    const publisher = connectServer(address, asPublisher);
    const connection = connectServer(address, asSubscriber);
    return paired({
      publisher,
      publish: (channel, text) => publisher.client.publish(channel, text),
      subscriber: createSubscriber({ ...options, connection, sharded: false }),
      onChange: options.onChange,
    });
  }
  const cluster = connectCluster(address, asPublisher);
  const connect = (host: string, port: number) =>
    connectServer({ ...address, kind: "single", hosts: [{ host, port }] }, asSubscriber);
  return paired({
    publisher: cluster,
    publish: (channel, text) => cluster.client.spublish(channel, text),
    subscriber: createShardedSubscriber({ ...options, cluster, connect }),
    onChange: options.onChange,
  });
}

function paired(pair: {
  publisher: ReturnType<typeof connectServer> | ReturnType<typeof connectCluster>;
  publish: RedisPubSubConnections["publish"];
  subscriber: Subscriber;
  onChange: () => void;
}): RedisPubSubConnections {
  const { publisher, publish, subscriber } = pair;
  const { client } = publisher;
  const isReady = () => client.status === "ready";
  client.on("ready", pair.onChange);
  client.on("close", pair.onChange);
  return {
    subscriber,
    publish,
    isReady,
    isUp: () => isReady() && subscriber.isComplete(),
    acknowledged: (channel) => subscriber.acknowledged(channel),
    lastError: () => publisher.lastError() ?? subscriber.lastError(),
    close() {
      subscriber.close();
      publisher.close();
    },
  };
}
