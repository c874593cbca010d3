import { expect, test } from "vitest";
import { startTestApp } from "../support/app.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startRedis } from "../support/redis.ts";
import { seriesOf } from "../support/series.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

/** `REDIS_AWAY_SECONDS=60` for a whole minute. */
const awaySeconds = Number(process.env.REDIS_AWAY_SECONDS ?? 8);

const statusOf = async (url: string) => ((await (await fetch(`${url}/readyz`)).json()) as { status: string }).status;

test(
  `guarantee 2: with Redis away for ${awaySeconds} s sends succeed, this node delivers at once, others within 5 s, and all is live again after`,
  async () => {
    await using redis = await startRedis();
    await using database = await createTestDatabase();
    const env = { REDIS_URL: redis.url };
    await using one = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "one" } });
    await using two = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "two" } });
    await using alice = await TestUser.open(one, "alice");
    await using bob = await TestUser.open(one, "bob");
    await using carol = await TestUser.open(two, "carol");
    const roomId = await alice.createRoom("Away", ["bob", "carol"]);
    await using near = bob.roomEvents(roomId);
    await using far = carol.roomEvents(roomId);
    await near.next();
    await far.next();
    await until("both are up", async () => (await statusOf(one.url)) === "ok" && (await statusOf(two.url)) === "ok");

    await redis.kill();
    await until("the outage is known", async () => (await statusOf(one.url)) === "degraded");
    globalThis.gc?.();
    const heapBefore = process.memoryUsage().heapUsed;
    const end = performance.now() + awaySeconds * 1_000;
    let slowestNearMs = 0;
    let slowestFarMs = 0;
    let count = 0;
    do {
      const sent = await alice.send(roomId, `away ${(count += 1)}`);
      const committed = performance.now();
      expect((await near.next(1_000)).cursor).toBe(sent.position);
      slowestNearMs = Math.max(slowestNearMs, performance.now() - committed);
      expect((await far.next(5_000)).cursor).toBe(sent.position);
      slowestFarMs = Math.max(slowestFarMs, performance.now() - committed);
    } while (performance.now() < end);
    expect(await statusOf(one.url)).toBe("degraded");
    const away = await seriesOf(one);
    expect(away.get("causerie_bus_up")).toBe(0);
    // It was renewed each 2 s until Redis went.
    expect(away.get("causerie_lease_age_seconds")).toBeGreaterThan(awaySeconds - 1);
    globalThis.gc?.();
    const grownKiB = (process.memoryUsage().heapUsed - heapBefore) / 1_024;
    console.log(
      `${count} messages while Redis was away: this node at most ${slowestNearMs.toFixed(0)} ms, the other ${slowestFarMs.toFixed(0)} ms after the commit; heap ${grownKiB.toFixed(0)} KiB`,
    );

    await redis.restart();
    await until(
      "both are up again",
      async () => (await statusOf(one.url)) === "ok" && (await statusOf(two.url)) === "ok",
    );
    await until("the lease is renewed", async () => (await seriesOf(one)).get("causerie_lease_age_seconds")! < 3);
    const sent = await alice.send(roomId, "back");
    expect((await near.next()).cursor).toBe(sent.position);
    expect((await far.next(1_000)).cursor).toBe(sent.position);
  },
  (awaySeconds + 60) * 1_000,
);
