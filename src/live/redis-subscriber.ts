import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { dropConnection } from "./redis.ts";
import type { RedisConnection } from "./redis.ts";

/** Channels that are listened to, over one connection or over one for each shard. */
export interface Subscriber {
  /** Listens to the channel from now on, through every interruption. */
  add(channel: string): void;
  remove(channel: string): void;
  /**
   * True: Redis has confirmed the channel, on the present connection. False: it could not, by the connection's deadline. Never
   * rejects.
   */
  acknowledged(channel: string): Promise<boolean>;
  /** Whether every channel is confirmed, but for those that were added just now. */
  isComplete(): boolean;
  lastError(): Error | undefined;
  close(): void;
}

export interface SubscriberEvents {
  readonly onMessage: (channel: Buffer, message: Buffer) => void;
  /** Each change of `isComplete`. */
  readonly onChange: () => void;
}

const channelsPerCommand = 500;
const notConfirmed = Promise.resolve(false);

/**
 * Listens over one connection. Whatever goes wrong on it, the connection is dropped, and on the next one all channels are
 * subscribed anew: its state is never guessed.
 */
export function createSubscriber(
  options: { connection: RedisConnection<Redis>; log: Logger; sharded: boolean } & SubscriberEvents,
): Subscriber {
  const { connection, log, sharded, onChange } = options;
  const redis = connection.client;
  /** Whether Redis has confirmed it on the present connection. */
  const channels = new Map<string, Promise<boolean>>();
  let complete = false;

  redis.on(sharded ? "smessageBuffer" : "messageBuffer", options.onMessage);
  redis.on("ready", () => void subscribeAll());
  redis.on("close", () => {
    for (const channel of channels.keys()) channels.set(channel, notConfirmed);
    setComplete(false);
  });
  // Also what Redis says unasked when a slot moves away (`sunsubscribe`); ioredis takes it for an answer and loses count.
  redis.on("error", fail);

  async function subscribeAll(): Promise<void> {
    const names = [...channels.keys()];
    for (let start = 0; start < names.length; start += channelsPerCommand) {
      const chunk = names.slice(start, start + channelsPerCommand).filter((name) => channels.has(name));
      const confirmed = subscribe(chunk);
      for (const name of chunk) channels.set(name, confirmed);
      if (!(await confirmed)) return;
    }
    setComplete(redis.status === "ready");
  }

  async function subscribe(names: string[]): Promise<boolean> {
    try {
      // A sharded subscription takes names of one slot only.
      if (sharded) await Promise.all(names.map((name) => redis.ssubscribe(name)));
      else if (names.length > 0) await redis.subscribe(...names);
      return true;
    } catch (error) {
      if (names.some((name) => channels.has(name))) fail(error);
      return false;
    }
  }

  function fail(error: unknown): void {
    if (dropConnection(redis)) log.warn({ err: error }, "A Redis subscription failed: connecting again");
  }

  function setComplete(now: boolean): void {
    if (complete === now) return;
    complete = now;
    onChange();
  }

  return {
    add(channel) {
      channels.set(channel, redis.status === "ready" ? subscribe([channel]) : notConfirmed);
    },
    remove(channel) {
      channels.delete(channel);
      // On the same connection Redis takes it after the SUBSCRIBE that it undoes, also when that is not answered yet.
      if (redis.status === "ready") (sharded ? redis.sunsubscribe(channel) : redis.unsubscribe(channel)).catch(fail);
    },
    acknowledged: (channel) => channels.get(channel) ?? notConfirmed,
    isComplete: () => complete,
    lastError: connection.lastError,
    close: connection.close,
  };
}
