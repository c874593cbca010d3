import { expect, test } from "vitest";
import { openRedisBus } from "../../src/live/bus.redis.ts";
import { startRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { listen, silent } from "./bus-backends.ts";

test("deployments that have a database each in one Redis hear nothing of each other", async () => {
  await using redis = await startRedis();
  const open = (db: number) => openRedisBus({ url: `${redis.url}/${db}`, log: silent });
  const [first, second, secondToo] = await Promise.all([open(0), open(1), open(1)]);
  const atFirst = listen(first, "room:1");
  const atSecond = listen(secondToo, "room:1");
  await Promise.all([atFirst.subscription.acknowledged, atSecond.subscription.acknowledged]);

  // Redis hands out publications in the order in which they come: what had crossed would be heard before the last.
  await second.publish("room:1", "of the second");
  await first.publish("room:1", "of the first");
  await second.publish("room:1", "of the second, once more");

  await until("both have heard", () => atFirst.heard.length > 0 && atSecond.heard.length > 1);
  expect(atFirst.heard).toEqual(["of the first"]);
  expect(atSecond.heard).toEqual(["of the second", "of the second, once more"]);
  await Promise.all([first, second, secondToo].map((bus) => bus.close()));
});
