import type { Cluster, Redis } from "ioredis";
import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { leaseKeys } from "../../src/live/presence-board.keys.ts";
import type { Seen } from "../../src/live/presence-board.ts";
import { until } from "../support/until.ts";
import { observe, presenceOf, session, shows } from "./presence-board-backends.ts";
import {
  heldForALease,
  observeCrowd,
  openCrowd,
  openHealthyWorld,
  slackMs,
  timings,
  untilAll,
} from "./presence-board-world.ts";

describe.concurrent("presence board whose nodes die", { timeout: 90_000 }, () => {
  test("the users of a node that was killed are OFFLINE for the others within a lease and an interval", async () => {
    await using world = await openHealthyWorld();
    const [dying, watching] = [await world.openStoppable(), await world.open()];
    const crowd = openCrowd(dying.board, 300);
    const observer = await observeCrowd(watching.board, crowd);
    const seen: Seen[] = [];
    watching.board.onSeen((each) => seen.push(each));
    await heldForALease(watching.board);
    const killedAtMs = performance.now();
    const killedWallMs = Date.now();
    await dying.kill();
    await untilAll(observer, crowd, "OFFLINE", timings.leaseMs + timings.renewEveryMs + slackMs);
    console.info(`300 users of a killed node: OFFLINE after ${Math.round(performance.now() - killedAtMs)} ms`);
    // Each was told of once, with the time of the last sign of life.
    expect(observer.told).toHaveLength(300);
    for (const { lastSeenMs } of observer.told) {
      expect(lastSeenMs).toBeGreaterThan(killedWallMs - timings.renewEveryMs * 2 - slackMs);
      expect(lastSeenMs).toBeLessThanOrEqual(killedWallMs + timings.renewEveryMs);
    }
    expect(new Set(seen.map(({ userId }) => userId)).size).toBe(300);
    expect(watching.board.stats.endedForOthers).toBe(300);
    await world.untilLeasesAre(1);
    await until("the node is gone from the list", () => watching.board.nodes().length === 1);
  });

  test("a user with a session on another node stays", async () => {
    await using world = await openHealthyWorld();
    const [dying, watching] = [await world.openStoppable(), await world.open()];
    const userId = randomUUID();
    dying.board.open(session(userId, { status: "BUSY", device: "DESKTOP" }));
    watching.board.open(session(userId, { status: "AWAY", device: "MOBILE" }));
    await shows(watching.board, userId, { status: "BUSY", devices: ["MOBILE", "DESKTOP"] });
    const observer = await observe(watching.board, [userId]);
    await dying.kill();
    await until("it is told", () => observer.told.length > 0);
    expect(observer.told).toMatchObject([{ status: "AWAY", devices: ["MOBILE"] }]);
  });

  test("a node ends nobody's sessions before it has held its own lease for a whole one", async () => {
    await using world = await openHealthyWorld();
    const dying = await world.openStoppable();
    const [alone] = openCrowd(dying.board, 1);
    await until("it is written", () => dying.board.stats.unwrittenNow === 0);
    await dying.kill();
    await until("the lease has run out", async () => {
      const [, runsOutMs] = (await world.redis.command("zrange", leaseKeys.leases, 0, -1, "withscores")) as string[];
      return Number(runsOutMs) <= Date.now();
    });
    const beforeMs = performance.now();
    const watching = await world.open();
    const observer = await observe(watching.board, [alone!.userId]);
    expect(observer.current(alone!.userId).status).toBe("ONLINE");
    await until("it is told", () => observer.told.length > 0);
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(timings.leaseMs);
  });

  test("two nodes that die at once are both ended, by whoever is left", async () => {
    await using world = await openHealthyWorld();
    const [one, two, watching] = [await world.openStoppable(), await world.openStoppable(), await world.open()];
    const crowd = [...openCrowd(one.board, 40), ...openCrowd(two.board, 40)];
    const observer = await observeCrowd(watching.board, crowd);
    await Promise.all([one.kill(), two.kill()]);
    await untilAll(observer, crowd, "OFFLINE");
    await world.untilLeasesAre(1);
  });

  test("a node that was frozen claims its live sessions again, and closed ones stay away", async () => {
    await using world = await openHealthyWorld();
    const [frozen, watching] = [await world.openStoppable(), await world.open()];
    const crowd = openCrowd(frozen.board, 100);
    const observer = await observeCrowd(watching.board, crowd);
    await heldForALease(watching.board);
    frozen.clock.stop();
    await untilAll(observer, crowd, "OFFLINE");
    // Meanwhile it could hear of nothing; when it goes on, the first thing is that half of its clients are gone.
    const [gone, back] = [crowd.slice(0, 50), crowd.slice(50)];
    for (const { sessionId } of gone) frozen.board.close(sessionId);
    frozen.clock.goOn();
    await untilAll(observer, back, "ONLINE");
    await untilAll(observer, gone, "OFFLINE");
    await until("the grace is over", () => frozen.board.stats.sessionsNow === 50);
    await until("all is written", () => frozen.board.stats.unwrittenNow === 0);
    await world.untilLeasesAre(2);
    for (const { userId } of gone)
      expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "OFFLINE" });
    for (const { userId } of back) expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "ONLINE" });
    expect(frozen.board.stats.epochs).toBeGreaterThan(1);
  });

  test("a node that was frozen comes back while another, half-way through ending its sessions, dies", async () => {
    await using world = await openHealthyWorld();
    const halfWay = dyingAfter({ writesThatEnd: 8 });
    const [frozen, ending] = [await world.openStoppable(), await world.openStoppable({ over: halfWay.over })];
    // Never eligible to end anybody itself.
    const watching = await world.open({ timings: { ...timings, answerWithinMs: 10_000, leaseMs: 600_000 } });
    const crowd = openCrowd(frozen.board, 200);
    const observer = await observeCrowd(watching.board, crowd);
    frozen.clock.stop();
    await halfWay.died;
    await ending.kill();
    await until("some are seen OFFLINE", () => observer.told.length > 0);
    const offline = crowd.filter(({ userId }) => observer.current(userId).status === "OFFLINE");
    expect(offline.length, "only some are").toBeLessThan(200);

    frozen.clock.goOn();
    await untilAll(observer, crowd, "ONLINE");
    observer.told.length = 0;
    // Somebody finishes what was begun: it must not touch what came back.
    await world.open();
    await world.untilLeasesAre(3);
    expect(observer.told).toEqual([]);
    for (const { userId } of crowd)
      expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "ONLINE" });
  });

  test("a lease that a clock set back would let live on for an hour does not", async () => {
    await using world = await openHealthyWorld();
    const [dying, watching] = [await world.openStoppable(), await world.open()];
    const crowd = openCrowd(dying.board, 3);
    const observer = await observeCrowd(watching.board, crowd);
    await dying.kill();
    for (const epoch of (await world.redis.command("zrange", leaseKeys.leases, 0, -1)) as string[]) {
      await world.redis.command("zadd", leaseKeys.leases, Date.now() + 3_600_000, epoch);
    }
    await untilAll(observer, crowd, "OFFLINE");
  });

  test("a node that died while the leases were lost is ended all the same", async () => {
    await using world = await openHealthyWorld();
    const [dying, watching] = [await world.openStoppable(), await world.open()];
    const crowd = openCrowd(dying.board, 30);
    const observer = await observeCrowd(watching.board, crowd);
    await dying.kill();
    await world.redis.command("del", ...Object.values(leaseKeys));
    await untilAll(observer, crowd, "OFFLINE");
    expect(watching.board.stats.epochs).toBeGreaterThan(1);
  });

  test("a node that leaves is not missed: who is back on another within a lease is never seen OFFLINE", async () => {
    await using world = await openHealthyWorld();
    const [leaving, staying, watching] = [await world.open(), await world.open(), await world.open()];
    const crowd = openCrowd(leaving.board, 20);
    const observer = await observeCrowd(watching.board, crowd);
    for (const { sessionId } of crowd) leaving.board.close(sessionId, { handover: true });
    await leaving.end();
    const [back, gone] = [crowd.slice(0, 10), crowd.slice(10)];
    for (const { userId } of back) staying.board.open(session(userId, { roomId: "r" }));
    await untilAll(observer, gone, "OFFLINE");
    await world.untilLeasesAre(2);
    expect(observer.told.map(({ userId }) => userId).sort()).toEqual(gone.map(({ userId }) => userId).sort());
  });
});

/** A connection whose process ends with the last of so many scripts that end sessions. */
function dyingAfter({ writesThatEnd }: { writesThatEnd: number }) {
  const died = Promise.withResolvers<void>();
  let left = writesThatEnd;
  const isEnding = (words: unknown[]) => words[3 + Number(words[1])] === "end";
  const over = (client: Redis | Cluster) =>
    new Proxy(client, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...words: unknown[]) => {
          if (left === 0) return new Promise(() => {});
          if (name === "evalsha" && isEnding(words) && (left -= 1) === 0) died.resolve();
          return Reflect.apply(member, target, words) as unknown;
        };
      },
    });
  return { over, died: died.promise };
}
