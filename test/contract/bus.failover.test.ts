import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { Command } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openRedisBus } from "../../src/live/bus.redis.ts";
import type { Bus } from "../../src/live/bus.ts";
import { startRedisCluster, startRedisSentinel } from "../support/redis.ts";
import type { TestRedis, TestRedisCluster, TestRedisSentinel } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { listen, silent, subscribed, watch } from "./bus-backends.ts";

/** Some for every master: the slot of a name is as good as random. */
const channels = Array.from({ length: 60 }, (_, index) => `room:${index}`);

describe("The bus over Sentinel", () => {
  let sentinel: TestRedisSentinel;
  let here: Bus;
  let there: Bus;
  beforeEach(async () => {
    sentinel = await startRedisSentinel();
    here = await openRedisBus({ url: sentinel.url, log: silent });
    there = await openRedisBus({ url: sentinel.url, log: silent });
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
    await sentinel.close();
  });

  test.each([
    ["killed", (master: TestRedis) => master.kill()],
    ["stopped", async (master: TestRedis) => master.pause()],
  ])("goes over to the replica when the master is %s", async (_, fail) => {
    const listeners = await listenToAll(there);
    const recovered = [watch(here), watch(there)];
    await fail(sentinel.master);
    await until("both have recovered", () => recovered.every(({ recoveries }) => recoveries() > 0));
    expect(await subscribed([sentinel.replica], channels[0]!)).toBe(1);
    await expectAllHeard(here, listeners);
  });

  test("comes back after all of it was away", async () => {
    const listeners = await listenToAll(there);
    const recovered = [watch(here), watch(there)];
    const all = [...sentinel.sentinels, sentinel.replica, sentinel.master];
    await Promise.all(all.map((server) => server.kill()));
    await until("both know", () => !here.up && !there.up);
    expect(await here.publish(channels[0]!, "lost")).toBe(false);
    await Promise.all(all.map((server) => server.restart()));
    await until("both have recovered", () => recovered.every(({ recoveries }) => recoveries() > 0));
    await expectAllHeard(here, listeners);
  });
});

describe("The bus over a cluster", () => {
  let cluster: TestRedisCluster;
  let here: Bus;
  let there: Bus;
  beforeEach(async () => {
    cluster = await startRedisCluster(3, { replicas: 1 });
    here = await openRedisBus({ url: cluster.url, log: silent });
    there = await openRedisBus({ url: cluster.url, log: silent });
  });
  afterEach(async () => {
    await Promise.all([here.close(), there.close()]);
    await cluster.close();
  });

  test.each([
    ["killed", (master: TestRedis) => master.kill()],
    ["stopped", async (master: TestRedis) => master.pause()],
  ])("goes over to the replica of a master that is %s; the other shards go on", async (_, fail) => {
    const listeners = await listenToAll(there);
    const recovered = [watch(here), watch(there)];
    const elsewhere = listeners.find(({ channel }) => ownerOf(channel) !== 0)!;
    await fail(cluster.nodes[0]!);
    expect(await here.publish(elsewhere.channel, "meanwhile")).toBe(true);
    await until("it is heard", () => elsewhere.heard.includes("meanwhile"));
    await until("both know", () => !here.up && !there.up, 2_000);
    await until("both have recovered", () => recovered.every(({ recoveries }) => recoveries() > 0));
    await expectAllHeard(here, listeners);
  });

  test("a channel goes along when its slot moves to another master", async () => {
    const listeners = await listenToAll(there);
    const { recoveries } = watch(there);
    const moved = listeners.find(({ channel }) => ownerOf(channel) === 0)!.channel;
    const [from, to] = cluster.nodes;
    const newOwner = String(await to!.command("cluster", "myid"));
    for (const node of [to!, from!, cluster.nodes[2]!]) {
      await node.command("cluster", "setslot", slotOf(moved), "node", newOwner);
    }
    await until("the new master has it", async () => (await subscribed([to!], moved, "shardnumsub")) === 1);
    await until("it has recovered", () => recoveries() > 0);
    expect(await subscribed([from!], moved, "shardnumsub")).toBe(0);
    await expectAllHeard(here, listeners);
  });

  test("opens by any way to one of its nodes, whatever the cluster calls that node", async () => {
    const way = createServer((socket) => {
      const onwards = connect(cluster.nodes[0]!.port, "127.0.0.1");
      void pipeline(socket, onwards, socket).catch(() => socket.destroy());
    }).listen(0, "127.0.0.1");
    await once(way, "listening");
    const { port } = way.address() as AddressInfo;
    await using bus = await openRedisBus({ url: `redis+cluster://127.0.0.1:${port}`, log: silent });
    expect(bus.up).toBe(true);
    await expectAllHeard(bus, await listenToAll(there));
    way.close();
  });

  test("comes back after all of it was away", async () => {
    const listeners = await listenToAll(there);
    const recovered = [watch(here), watch(there)];
    await Promise.all(cluster.nodes.map((node) => node.kill()));
    await until("both know", () => !here.up && !there.up);
    expect(await here.publish(channels[0]!, "lost")).toBe(false);
    await Promise.all(cluster.nodes.map((node) => node.restart()));
    await until("both have recovered", () => recovered.every(({ recoveries }) => recoveries() > 0));
    await expectAllHeard(here, listeners);
  });
});

async function listenToAll(bus: Bus): Promise<{ channel: string; heard: string[] }[]> {
  const listeners = channels.map((channel) => ({ ...listen(bus, channel), channel }));
  const acknowledged = await Promise.all(listeners.map(({ subscription }) => subscription.acknowledged));
  expect(acknowledged.every(Boolean)).toBe(true);
  return listeners;
}

async function expectAllHeard(publisher: Bus, listeners: { channel: string; heard: string[] }[]): Promise<void> {
  const handedOver = await Promise.all(channels.map((channel) => publisher.publish(channel, "again")));
  expect(handedOver.every(Boolean)).toBe(true);
  await until("all hear", () => listeners.every(({ heard }) => heard.includes("again")));
}

const slotOf = (channel: string) => new Command("ssubscribe", [channel]).getSlot();
/** Index of the master at the start. */
const ownerOf = (channel: string) => Math.floor((slotOf(channel) * 3) / 16_384);
