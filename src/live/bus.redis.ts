import { EventEmitter } from "node:events";
import { RedisPubSub } from "graphql-redis-subscriptions";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { createBus } from "./bus.pubsub.ts";
import type { PubSubEngine } from "./bus.pubsub.ts";
import type { Bus } from "./bus.ts";
import { connectPubSub } from "./redis-pubsub.ts";
import type { RedisPubSubConnections } from "./redis-pubsub.ts";
import { parseRedisUrl } from "./redis-url.ts";
import { redisTimings } from "./redis.ts";
import type { RedisTimings } from "./redis.ts";

/** Of publications handed to the connection and not answered yet; one that would exceed it is not handed over. */
const maxPendingChars = 16 * 1024 * 1024;

/**
 * The bus over Redis: one server, Sentinel, or a cluster (Redis 7, sharded Pub/Sub), as the URL says. Deployments that share
 * a Redis hear nothing of each other when each has a database of its own in it. Comes back when it is up, or after two
 * deadlines though it is down: then that is an interruption like any other.
 * @throws Error that names REDIS_URL when the URL is not right.
 */
export async function openRedisBus(options: {
  url: string;
  log: Logger;
  timings?: Partial<RedisTimings>;
}): Promise<Bus> {
  const { url, log } = options;
  const timings = { ...redisTimings, ...options.timings };
  const messages = new EventEmitter();
  let changed: (() => void) | undefined;
  const connections = connectPubSub(url, {
    log,
    timings,
    onMessage: (channel, message) => messages.emit("message", channel, message),
    onChange: () => changed?.(),
  });
  const { publisher, subscriber } = connections;
  const nameOf = channelNames(parseRedisUrl(url).db);
  let closing = false;
  const created = createBus({
    log,
    engine: createEngine(connections, { messages, nameOf }),
    link: {
      isReady: () => publisher.isReady(),
      isUp: () => publisher.isWhole() && subscriber.isComplete(),
      acknowledged: (channel) => subscriber.acknowledged(nameOf(channel)),
      close() {
        closing = true;
        subscriber.close();
        publisher.close();
      },
    },
  });
  changed = created.changed;
  await upOrDeadline(created.bus, 2 * timings.deadlineMs);

  const tell = (up: boolean) => {
    if (closing) return;
    if (up) log.info("The bus over Redis is up");
    else log.warn({ err: publisher.lastError() ?? subscriber.lastError() }, "The bus over Redis is down");
  };
  if (!created.bus.up) tell(false);
  created.bus.onStateChange(tell);
  return created.bus;
}

/**
 * RedisPubSub over a pair that never fails it: `subscribe` notes the channel and succeeds, whatever Redis is doing, and
 * `acknowledged` tells about Redis. (A subscription that fails, or is ended before it has begun, RedisPubSub leaves behind,
 * or ends the process by a rejection that nobody can handle.)
 */
function createEngine(
  { publisher, subscriber }: RedisPubSubConnections,
  { messages, nameOf }: { messages: EventEmitter; nameOf: (channel: string) => string },
): PubSubEngine {
  const subscriberOfPair = Object.assign(messages, {
    subscribe(channel: string, done: (err: null) => void) {
      subscriber.add(channel);
      done(null);
    },
    unsubscribe: (channel: string) => subscriber.remove(channel),
    /** RedisPubSub calls it beside `unsubscribe`; there are no patterns. */
    punsubscribe() {},
  });
  let pendingChars = 0;
  const publisherOfPair = {
    async publish(channel: string, text: string): Promise<void> {
      if (pendingChars + text.length > maxPendingChars) throw new Error("Too much is being published");
      pendingChars += text.length;
      try {
        await publisher.publish(channel, text);
      } finally {
        pendingChars -= text.length;
      }
    },
  };
  const engine = new RedisPubSub({
    subscriber: subscriberOfPair as unknown as Redis,
    publisher: publisherOfPair as unknown as Redis,
    serializer: (text: string) => text,
  });
  return {
    publish: (channel, text) => engine.publish(nameOf(channel), text),
    // RedisPubSub parses strings as JSON and hands on Buffers as they are.
    subscribe: (channel, listener) =>
      engine.subscribe<Buffer>(nameOf(channel), (message) => listener(message.toString())),
    unsubscribe: (subscription) => engine.unsubscribe(subscription),
  };
}

/** Redis has databases for keys alone: a channel is heard in all of them, so its name says of which one it is. */
const channelNames = (db: number) =>
  db === 0 ? (channel: string) => channel : (channel: string) => `${db}/${channel}`;

async function upOrDeadline(bus: Bus, deadlineMs: number): Promise<void> {
  if (bus.up) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, deadlineMs);
  const stop = bus.onStateChange(() => resolve());
  await promise;
  clearTimeout(timer);
  stop();
}
