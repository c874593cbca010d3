import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { bucketCount, bucketOf, leaseKeys } from "../../src/live/presence-board.keys.ts";
import { until } from "../support/until.ts";
import { observe, openNode, presenceOf, session, shows } from "./presence-board-backends.ts";
import {
  heldForALease,
  observeCrowd,
  openCrowd,
  openHealthyWorld,
  openWorld,
  passes,
  redisTimings,
  slackMs,
  timings,
  untilAll,
} from "./presence-board-world.ts";

describe.concurrent("presence board with Redis in trouble", { timeout: 90_000 }, () => {
  test("Redis frozen for longer than a lease puts nobody OFFLINE", async () => {
    await using world = await openWorld();
    const [here, there] = [await world.open(), await world.open()];
    const crowd = openCrowd(here.board, 100);
    const observers = [await observeCrowd(here.board, crowd), await observeCrowd(there.board, crowd)];
    await heldForALease(there.board);
    world.redis.pause();
    await until("the nodes know", () => !here.board.up && !there.board.up);
    await passes(timings.leaseMs * 1.5);
    world.redis.resume();
    await until("both have a lease again", () => here.board.up && there.board.up);
    await until("the old ones were lost", () => here.board.stats.epochs > 1 && there.board.stats.epochs > 1);
    await world.untilLeasesAre(2);
    for (const { userId } of crowd) expect(await presenceOf(there.board, userId)).toMatchObject({ status: "ONLINE" });
    expect(observers.flatMap(({ told }) => told)).toEqual([]);
  });

  test("while Redis is down a node serves what it knows, says so, and throws nothing; afterwards all agree", async () => {
    await using world = await openWorld();
    const [here, there] = [await world.open(), await world.open()];
    const [ann, bob] = [session(randomUUID()), session(randomUUID())];
    here.board.open(ann);
    there.board.open(bob);
    const observer = await observe(here.board, [ann.userId, bob.userId]);
    await until("bob is known", () => observer.current(bob.userId).status === "ONLINE");
    await world.redis.kill();
    await until("the nodes know", () => !here.board.up && !there.board.up);

    const [carol, dora] = [session(randomUUID()), session(randomUUID())];
    here.board.open(carol);
    there.board.open(dora);
    here.board.update(ann.sessionId, { status: "BUSY" });
    here.board.announceProfile(carol.userId, 3);
    const { users, complete } = await here.board.read([ann, bob, carol, dora].map(({ userId }) => userId));
    expect(complete).toBe(false);
    expect([...users.values()].map(({ status }) => status)).toEqual(["BUSY", "ONLINE", "ONLINE", "OFFLINE"]);
    const blind = await observe(here.board, [dora.userId]);
    expect(blind.current(dora.userId).status).toBe("OFFLINE");
    there.board.close(bob.sessionId);
    await until("bob's grace is over", () => there.board.stats.sessionsNow === 1);

    await world.redis.restart();
    await until("dora is told of", () => blind.told.length > 0);
    expect(blind.told).toMatchObject([{ userId: dora.userId, status: "ONLINE" }]);
    await shows(there.board, ann.userId, { status: "BUSY" });
    await shows(there.board, carol.userId, { status: "ONLINE", profileRevision: 3 });
    await until("bob is seen OFFLINE", () => observer.current(bob.userId).status === "OFFLINE");
    await until("all is written", () => here.board.stats.unwrittenNow + there.board.stats.unwrittenNow === 0);
  });

  test("Redis restarted empty is filled again from the live sessions, and nobody is told of anything", async () => {
    await using world = await openWorld();
    const [here, there] = [await world.open(), await world.open()];
    const crowd = [...openCrowd(here.board, 60), ...openCrowd(there.board, 60)];
    const observers = [await observeCrowd(here.board, crowd), await observeCrowd(there.board, crowd)];
    await world.redis.restart({ empty: true });
    const sinceMs = performance.now();
    for (const { board } of [here, there]) {
      await until("all are read ONLINE", async () => {
        const fresh = await openNode(world.redis.url, { timings, redisTimings });
        const { users, complete } = await fresh.board.read(crowd.map(({ userId }) => userId));
        await fresh.end();
        return complete && [...users.values()].every(({ status }) => status === "ONLINE");
      });
      await until("all is written", () => board.stats.unwrittenNow === 0);
    }
    console.info(`Redis restarted empty: full again after ${Math.round(performance.now() - sinceMs)} ms`);
    // What comes afterwards is told: the watch is whole, and what was lost has not been told before it.
    await passes(timings.settleMs + timings.compareEveryMs);
    here.board.update(crowd[0]!.sessionId, { status: "BUSY" });
    there.board.update(crowd[119]!.sessionId, { status: "BUSY" });
    for (const { told } of observers) {
      await until("both are told of", () => told.length >= 2);
      expect(told.map(({ status }) => status)).toEqual(["BUSY", "BUSY"]);
    }
  });

  test("a write that Redis lost is made again within one comparison", async () => {
    await using world = await openHealthyWorld();
    const [here, there] = [await world.open(), await world.open()];
    const [lost] = openCrowd(here.board, 1);
    await shows(there.board, lost!.userId, { status: "ONLINE" });
    // All but the leases, as where they live on another master.
    const keys = (await world.redis.command("keys", "*{p:*")) as string[];
    expect(await world.redis.command("del", ...keys)).toBeGreaterThanOrEqual(4);
    const sinceMs = performance.now();
    await shows(there.board, lost!.userId, { status: "ONLINE" });
    expect(performance.now() - sinceMs).toBeLessThan(timings.compareEveryMs + slackMs);
  });

  test("more sessions than are kept waiting end while their bucket cannot be written to: they end with the epoch", async () => {
    await using world = await openHealthyWorld();
    const cut = { on: false };
    const [here, there] = [await world.open({ over: (client) => withoutWrites(client, cut) }), await world.open()];
    const userIds = uuids()
      .filter((userId) => bucketOf(userId) === 0)
      .take(1_100)
      .toArray();
    const crowd = userIds.map((userId) => session(userId));
    for (const each of crowd) here.board.open(each);
    const observer = await observeCrowd(there.board, crowd);
    cut.on = true;
    for (const { sessionId } of crowd) here.board.close(sessionId);
    await until("they have ended here", () => here.board.stats.sessionsNow === 0);
    expect(here.board.stats.unwrittenNow).toBeLessThan(1_100);
    cut.on = false;
    await untilAll(observer, crowd, "OFFLINE");
    expect(here.board.stats.epochs).toBeGreaterThan(1);
  });

  test.for([true, false])(
    "however long a node takes to write its sessions again, nobody ends them meanwhile, if it lives: %s",
    async (lives) => {
      await using world = await openHealthyWorld();
      const cut = { on: false };
      const here = await world.openStoppable({ over: (client) => withoutWrites(client, cut) });
      const there = await world.open();
      const crowd = openCrowd(here.board, 100);
      const observer = await observeCrowd(there.board, crowd);
      cut.on = true;
      await world.redis.command("del", ...Object.values(leaseKeys));
      await until("both have new leases", () => here.board.stats.epochs > 1 && there.board.stats.epochs > 1);
      await heldForALease(there.board);
      expect(here.board.stats.unwrittenNow).toBe(100);
      expect(observer.told).toEqual([]);
      if (lives) cut.on = false;
      else await here.kill();
      await world.untilLeasesAre(lives ? 2 : 1);
      await untilAll(observer, crowd, lives ? "ONLINE" : "OFFLINE");
      expect(observer.told).toHaveLength(lives ? 0 : 100);
    },
  );
});

test("everything in Redis expires, and of users who are gone nothing stays but when they were seen", async () => {
  await using world = await openHealthyWorld();
  const [here, there] = [await world.open(), await world.openStoppable()];
  const crowd = [...openCrowd(here.board, 50), ...openCrowd(there.board, 50)];
  here.board.announceProfile(crowd[0]!.userId, 1);
  await observeCrowd(here.board, crowd);
  await there.kill();
  for (const { sessionId } of crowd) here.board.close(sessionId);
  await world.untilLeasesAre(1);
  await until("all is written", () => here.board.stats.sessionsNow + here.board.stats.unwrittenNow === 0);
  const keys = (await world.redis.command("keys", "*")) as string[];
  for (const key of keys) expect(await world.redis.command("pttl", key), key).toBeGreaterThan(0);
  const users = keys.filter((key) => key.includes(":user:"));
  expect(users).toHaveLength(100);
  for (const key of users) {
    const fields = (await world.redis.command("hkeys", key)) as string[];
    expect(fields.filter((field) => field !== "profile")).toEqual(["seen"]);
  }
  const others = keys.filter((key) => !users.includes(key)).map((key) => key.replace(/\{p:\d\d\}/, "{p:NN}"));
  expect(new Set(others.map((key) => key.split(":").slice(0, 4).join(":")))).toEqual(
    new Set([
      "causerie:{p:NN}:version",
      "causerie:{p:NN}:epochs",
      "causerie:{p:NN}:writes",
      leaseKeys.leases,
      leaseKeys.nodes,
    ]),
  );
  expect(others.length).toBeLessThanOrEqual(4 * bucketCount + 2);
});

function* uuids(): Generator<string> {
  for (;;) yield randomUUID();
}

/** A connection over which no bucket can be written to, while the leases can. */
function withoutWrites(client: Redis | Cluster, cut: { on: boolean }): Redis | Cluster {
  return new Proxy(client, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...words: unknown[]) => {
        const isCut = cut.on && String(words[2]).includes("{p:");
        return isCut ? Promise.reject(new Error("Cut.")) : (Reflect.apply(member, target, words) as unknown);
      };
    },
  });
}
