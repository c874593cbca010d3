import { pino } from "pino";
import { expect, test } from "vitest";
import { startRedis, startRedisCluster } from "../../test/support/redis.ts";
import { until } from "../../test/support/until.ts";
import { connectRedis } from "./redis.ts";

const log = pino({ level: "silent" });

test("a command is rejected at once while Redis is away, and is not executed later", async () => {
  await using server = await startRedis();
  const { client, close } = connectRedis(server.url, "commands", { log });
  await until("it is connected", () => client.status === "ready");
  await client.set("key", "before");
  await server.restart({ empty: false });
  await server.kill();
  await until("it knows", () => client.status !== "ready");
  await expect(client.set("key", "lost")).rejects.toThrow("enableOfflineQueue");
  await server.restart({ empty: false });
  await until("it is connected again", () => client.status === "ready");
  expect(await client.get("key")).toBe("before");
  close();
});

test("a command that Redis does not answer is rejected at the deadline", async () => {
  await using server = await startRedis();
  const { client, close } = connectRedis(server.url, "commands", { log });
  await until("it is connected", () => client.status === "ready");
  server.pause();
  const startedAtMs = performance.now();
  await expect(client.get("key")).rejects.toThrow("timed out");
  expect(performance.now() - startedAtMs).toBeLessThan(1_900);
  close();
});

test("a command in a cluster goes to the node that has its key", async () => {
  await using cluster = await startRedisCluster();
  const { client, close } = connectRedis(cluster.url, "commands", { log });
  await until("it is connected", () => client.status === "ready");
  const keys = Array.from({ length: 30 }, (_, index) => `key ${index}`);
  await Promise.all(keys.map((key) => client.set(key, key)));
  expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
  close();
});

test("a connection that is closed while Redis is away does not come back", async () => {
  await using server = await startRedis();
  const [closed, open] = [1, 2].map(() => connectRedis(server.url, "commands", { log }));
  const both = [closed!, open!];
  await until("both are connected", () => both.every(({ client }) => client.status === "ready"));
  await server.kill();
  await until("both know", () => both.every(({ client }) => client.status !== "ready"));
  closed!.close();
  await server.restart();
  await until("the other is back, having waited as long", () => open!.client.status === "ready");
  await expect(closed!.client.get("key")).rejects.toThrow();
  expect(String(await server.command("client", "list")).match(/causerie-/g)).toHaveLength(1);
  open!.close();
});
