import { Command } from "ioredis";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import { createSubscriber } from "./redis-subscriber.ts";
import type { Subscriber, SubscriberEvents } from "./redis-subscriber.ts";
import type { RedisConnection } from "./redis.ts";

const askForSlotsEveryMs = 500;

/**
 * Sharded Pub/Sub (Redis 7): each channel is listened to at the master that has its slot, over one connection for each
 * master. Channels go along when slots move. (ioredis has `shardedSubscribers`, which does not tell when it has subscribed
 * again, nor finds a half-open connection.)
 */
export function createShardedSubscriber(
  options: {
    cluster: RedisConnection<Cluster>;
    connect: (host: string, port: number) => RedisConnection<Redis>;
    log: Logger;
  } & SubscriberEvents,
): Subscriber {
  const { client: cluster } = options.cluster;
  /** By `host:port`, one for each master. */
  const shards = new Map<string, Subscriber>();
  /** Channel → its slot, and the shard that listens to it; none while the slot has no master that is known. */
  const channels = new Map<string, { slot: number; shard: Subscriber | undefined }>();
  /** Channels that were moved and are not confirmed yet. */
  let moving = 0;

  const isComplete = () => shards.size > 0 && moving === 0 && [...shards.values()].every((shard) => shard.isComplete());
  const masterOf = (slot: number): string | undefined => cluster.slots[slot]?.[0];
  const refresh = () => cluster.refreshSlotsCache();

  cluster.on("refresh", followSlots);
  // While a shard is away its slots may go to another.
  const timer = setInterval(() => isComplete() || refresh(), askForSlotsEveryMs);

  function followSlots(): void {
    const masters = new Set(cluster.slots.flatMap((nodes) => nodes[0] ?? []));
    for (const master of masters) if (!shards.has(master)) shards.set(master, openShard(master));
    for (const [channel, place] of channels) {
      const shard = shards.get(masterOf(place.slot) ?? "");
      if (shard !== place.shard) void move(channel, place, shard);
    }
    for (const [master, shard] of shards) {
      if (masters.has(master)) continue;
      shard.close();
      shards.delete(master);
    }
    options.onChange();
  }

  async function move(channel: string, place: { shard: Subscriber | undefined }, to: Subscriber | undefined) {
    place.shard?.remove(channel);
    place.shard = to;
    to?.add(channel);
    moving += 1;
    options.onChange();
    await to?.acknowledged(channel);
    moving -= 1;
    options.onChange();
  }

  function openShard(master: string): Subscriber {
    const colon = master.lastIndexOf(":");
    const connection = options.connect(master.slice(0, colon), Number(master.slice(colon + 1)));
    // The slot is another's by now, or the node is gone.
    connection.client.on("moved", refresh).on("close", refresh);
    return createSubscriber({ ...options, connection, sharded: true });
  }

  return {
    add(channel) {
      const slot = new Command("ssubscribe", [channel]).getSlot();
      const shard = shards.get(masterOf(slot) ?? "");
      channels.set(channel, { slot, shard });
      shard?.add(channel);
    },
    remove(channel) {
      channels.get(channel)?.shard?.remove(channel);
      channels.delete(channel);
    },
    acknowledged: async (channel) => channels.get(channel)?.shard?.acknowledged(channel) ?? false,
    isComplete,
    lastError: () => options.cluster.lastError(),
    close() {
      clearInterval(timer);
      cluster.off("refresh", followSlots);
      for (const shard of shards.values()) shard.close();
      shards.clear();
    },
  };
}
