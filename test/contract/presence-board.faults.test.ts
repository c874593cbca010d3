import { randomUUID } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bucketCount, bucketOf, channelOf, leaseKeys } from "../../src/live/presence-board.keys.ts";
import type { NewSession, PresenceBoard, Seen } from "../../src/live/presence-board.ts";
import { startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { observe, openNode, presenceOf, session, shows } from "./presence-board-backends.ts";
import type { NodeOptions, Observer, TestNode } from "./presence-board-backends.ts";
import { withPublish } from "./presence-board-chance.ts";
import { StoppableClock } from "./presence-board-clocks.ts";

/** As the defaults are to each other, and faster. */
const timings = {
  graceMs: 200,
  handoverGraceMs: 600,
  leaseMs: 1_200,
  renewEveryMs: 200,
  answerWithinMs: 400,
  compareEveryMs: 400,
  gapWaitMs: 40,
  settleMs: 1_000,
};
const redisTimings = { heartbeatMs: 100, deadlineMs: 300, maxBackoffMs: 100 };
const slackMs = 1_500;

let redis: TestRedis;
let nodes: TestNode[] = [];

beforeAll(async () => void (redis = await startRedis()));
afterAll(() => redis?.close());
beforeEach(async () => void (await redis.command("flushall")));
afterEach(async () => {
  await Promise.all(nodes.map((each) => each.end()));
  nodes = [];
});

async function open(options: NodeOptions = {}): Promise<TestNode> {
  const opened = await openNode(redis.url, { timings, redisTimings, ...options });
  nodes.push(opened);
  return opened;
}

/** A node that can be stopped as by SIGSTOP, or for good as by SIGKILL. */
async function openStoppable(options: NodeOptions = {}) {
  const clock = new StoppableClock();
  const opened = await open({ clock, ...options });
  const kill = async () => {
    clock.stop();
    nodes = nodes.filter((each) => each !== opened);
    await opened.die();
  };
  return { ...opened, clock, kill };
}

/** A session each for so many users, in as many buckets as that makes. */
function openCrowd(board: PresenceBoard, size: number): NewSession[] {
  const crowd = Array.from({ length: size }, () => session(randomUUID(), { roomId: "r" }));
  for (const each of crowd) board.open(each);
  return crowd;
}

async function observeCrowd(board: PresenceBoard, crowd: readonly NewSession[]): Promise<Observer> {
  const observer = await observe(
    board,
    crowd.map(({ userId }) => userId),
  );
  await untilAll(observer, crowd, "ONLINE");
  observer.told.length = 0;
  return observer;
}

const untilAll = (observer: Observer, crowd: readonly NewSession[], status: string, deadlineMs = 20_000) =>
  until(
    `all are seen ${status}`,
    () => crowd.every(({ userId }) => observer.current(userId).status === status),
    deadlineMs,
  );

/** No lease but those of the living, so everything that was to be ended is. */
const untilLeasesAre = (count: number) =>
  until(`there are ${count} leases`, async () => (await redis.command("zcard", leaseKeys.leases)) === count);

describe("nodes that die", () => {
  test("the users of a node that was killed are OFFLINE for the others within a lease and an interval", async () => {
    const [dying, watching] = [await openStoppable(), await open()];
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
      expect(lastSeenMs).toBeLessThanOrEqual(killedWallMs + 50);
    }
    expect(new Set(seen.map(({ userId }) => userId)).size).toBe(300);
    expect(watching.board.stats.endedForOthers).toBe(300);
    await untilLeasesAre(1);
    await until("the node is gone from the list", () => watching.board.nodes().length === 1);
  });

  test("a user with a session on another node stays", async () => {
    const [dying, watching] = [await openStoppable(), await open()];
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
    const dying = await openStoppable();
    const [alone] = openCrowd(dying.board, 1);
    await until("it is written", () => dying.board.stats.unwrittenNow === 0);
    await dying.kill();
    await until("the lease has run out", async () => {
      const [, runsOutMs] = (await redis.command("zrange", leaseKeys.leases, 0, -1, "withscores")) as string[];
      return Number(runsOutMs) <= Date.now();
    });
    const beforeMs = performance.now();
    const watching = await open();
    const observer = await observe(watching.board, [alone!.userId]);
    expect(observer.current(alone!.userId).status).toBe("ONLINE");
    await until("it is told", () => observer.told.length > 0);
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(timings.leaseMs);
  });

  test("two nodes that die at once are both ended, by whoever is left", async () => {
    const [one, two, watching] = [await openStoppable(), await openStoppable(), await open()];
    const crowd = [...openCrowd(one.board, 40), ...openCrowd(two.board, 40)];
    const observer = await observeCrowd(watching.board, crowd);
    await Promise.all([one.kill(), two.kill()]);
    await untilAll(observer, crowd, "OFFLINE");
    await untilLeasesAre(1);
  });

  test("a node that was frozen claims its live sessions again, and closed ones stay away", async () => {
    const [frozen, watching] = [await openStoppable(), await open()];
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
    await untilLeasesAre(2);
    for (const { userId } of gone)
      expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "OFFLINE" });
    for (const { userId } of back) expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "ONLINE" });
    expect(frozen.board.stats.epochs).toBe(2);
  });

  test("a node that was frozen comes back while another, half-way through ending its sessions, dies", async () => {
    const halfWay = dyingAfter({ writesThatEnd: 8 });
    const [frozen, ending] = [await openStoppable(), await openStoppable({ over: halfWay.over })];
    // Never eligible to end anybody itself.
    const watching = await open({ timings: { ...timings, leaseMs: 600_000 } });
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
    await open();
    await untilLeasesAre(3);
    expect(observer.told).toEqual([]);
    for (const { userId } of crowd)
      expect(await presenceOf(watching.board, userId)).toMatchObject({ status: "ONLINE" });
  });

  test("a lease that a clock set back would let live on for an hour does not", async () => {
    const [dying, watching] = [await openStoppable(), await open()];
    const crowd = openCrowd(dying.board, 3);
    const observer = await observeCrowd(watching.board, crowd);
    await dying.kill();
    for (const epoch of (await redis.command("zrange", leaseKeys.leases, 0, -1)) as string[]) {
      await redis.command("zadd", leaseKeys.leases, Date.now() + 3_600_000, epoch);
    }
    await untilAll(observer, crowd, "OFFLINE");
  });

  test("a node that died while the leases were lost is ended all the same", async () => {
    const [dying, watching] = [await openStoppable(), await open()];
    const crowd = openCrowd(dying.board, 30);
    const observer = await observeCrowd(watching.board, crowd);
    await dying.kill();
    await redis.command("del", ...Object.values(leaseKeys));
    await untilAll(observer, crowd, "OFFLINE");
    expect(watching.board.stats.epochs).toBe(2);
  });

  test("a node that leaves is not missed: who is back on another within a lease is never seen OFFLINE", async () => {
    const [leaving, staying, watching] = [await open(), await open(), await open()];
    const crowd = openCrowd(leaving.board, 20);
    const observer = await observeCrowd(watching.board, crowd);
    for (const { sessionId } of crowd) leaving.board.close(sessionId, { handover: true });
    await leaving.end();
    const [back, gone] = [crowd.slice(0, 10), crowd.slice(10)];
    for (const { userId } of back) staying.board.open(session(userId, { roomId: "r" }));
    await untilAll(observer, gone, "OFFLINE");
    await untilLeasesAre(2);
    expect(observer.told.map(({ userId }) => userId).sort()).toEqual(gone.map(({ userId }) => userId).sort());
  });
});

describe("Redis in trouble", () => {
  test("Redis frozen for longer than a lease puts nobody OFFLINE", async () => {
    const [here, there] = [await open(), await open()];
    const crowd = openCrowd(here.board, 100);
    const observers = [await observeCrowd(here.board, crowd), await observeCrowd(there.board, crowd)];
    await heldForALease(there.board);
    redis.pause();
    await until("the nodes know", () => !here.board.up && !there.board.up);
    await passes(timings.leaseMs * 1.5);
    redis.resume();
    await until("both have a lease again", () => here.board.up && there.board.up);
    await until("the old ones were lost", () => here.board.stats.epochs === 2 && there.board.stats.epochs === 2);
    await untilLeasesAre(2);
    for (const { userId } of crowd) expect(await presenceOf(there.board, userId)).toMatchObject({ status: "ONLINE" });
    expect(observers.flatMap(({ told }) => told)).toEqual([]);
  });

  test("while Redis is down a node serves what it knows, says so, and throws nothing; afterwards all agree", async () => {
    const [here, there] = [await open(), await open()];
    const [ann, bob] = [session(randomUUID()), session(randomUUID())];
    here.board.open(ann);
    there.board.open(bob);
    const observer = await observe(here.board, [ann.userId, bob.userId]);
    await until("bob is known", () => observer.current(bob.userId).status === "ONLINE");
    await redis.kill();
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

    await redis.restart();
    await until("dora is told of", () => blind.told.length > 0);
    expect(blind.told).toMatchObject([{ userId: dora.userId, status: "ONLINE" }]);
    await shows(there.board, ann.userId, { status: "BUSY" });
    await shows(there.board, carol.userId, { status: "ONLINE", profileRevision: 3 });
    await until("bob is seen OFFLINE", () => observer.current(bob.userId).status === "OFFLINE");
    await until("all is written", () => here.board.stats.unwrittenNow + there.board.stats.unwrittenNow === 0);
  });

  test("Redis restarted empty is filled again from the live sessions, and nobody is told of anything", async () => {
    const [here, there] = [await open(), await open()];
    const crowd = [...openCrowd(here.board, 60), ...openCrowd(there.board, 60)];
    const observers = [await observeCrowd(here.board, crowd), await observeCrowd(there.board, crowd)];
    await redis.restart({ empty: true });
    const sinceMs = performance.now();
    for (const { board } of [here, there]) {
      await until("all are read ONLINE", async () => {
        const fresh = await openNode(redis.url, { timings, redisTimings });
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
    const [here, there] = [await open(), await open()];
    const [lost] = openCrowd(here.board, 1);
    await shows(there.board, lost!.userId, { status: "ONLINE" });
    // All but the leases, as where they live on another master.
    const keys = (await redis.command("keys", "*{p:*")) as string[];
    await redis.command("del", ...keys);
    expect(await presenceOf(there.board, lost!.userId)).toMatchObject({ status: "OFFLINE" });
    const sinceMs = performance.now();
    await shows(there.board, lost!.userId, { status: "ONLINE" });
    expect(performance.now() - sinceMs).toBeLessThan(timings.compareEveryMs + slackMs);
    expect(here.board.stats.epochs).toBe(1);
  });
});

describe("announcements", () => {
  test("a lost one is mended by comparing", async () => {
    const mute = { on: false };
    const [here, there] = [await open({ through: (bus) => losing(bus, mute) }), await open()];
    const [ann] = openCrowd(here.board, 1);
    const observer = await observeCrowd(there.board, [ann!]);
    mute.on = true;
    const sinceMs = performance.now();
    here.board.update(ann!.sessionId, { status: "BUSY" });
    await until("it is told", () => observer.told.length > 0);
    const mendedMs = Math.round(performance.now() - sinceMs);
    console.info(`A lost announcement: mended after ${mendedMs} ms, comparing every ${timings.compareEveryMs} ms`);
    expect(mendedMs).toBeLessThan(timings.compareEveryMs + timings.gapWaitMs + slackMs);
    expect(observer.told).toMatchObject([{ status: "BUSY" }]);
    expect(there.board.stats.gaps).toBeGreaterThan(0);
  });

  test("a lost one is found with the next, without comparing", async () => {
    const mute = { on: false };
    const seldom = { ...timings, compareEveryMs: 600_000 };
    const here = await open({ through: (bus) => losing(bus, mute), timings: seldom });
    const there = await open({ timings: seldom });
    const ann = session(randomUUID());
    // In the same bucket.
    const bob = session(Iterator.from(uuids()).find((id) => bucketOf(id) === bucketOf(ann.userId))!);
    here.board.open(ann);
    here.board.open(bob);
    const observer = await observeCrowd(there.board, [ann, bob]);
    mute.on = true;
    here.board.update(ann.sessionId, { status: "BUSY" });
    await until("it is written", () => here.board.stats.unwrittenNow === 0);
    mute.on = false;
    here.board.update(bob.sessionId, { status: "AWAY" });
    await until("both are told of", () => observer.told.length === 2);
    expect(observer.told).toMatchObject([
      { userId: bob.userId, status: "AWAY" },
      { userId: ann.userId, status: "BUSY" },
    ]);
  });

  test.for([
    "",
    "null",
    "{}",
    "[]",
    '["",""]',
    '["","1.1.x","u"]',
    '["","1.1.x","u",{"s:1":"x"}]',
    '["?","9.9.y"]',
    "[[[[[",
  ])("what is none is passed over: %j", async (text) => {
    const texts = new Set<string>();
    const there = await open();
    const here = await open({
      through: (bus) =>
        withPublish(bus, (channel, announced) => {
          texts.add(announced);
          return bus.publish(channel, text).then(() => bus.publish(channel, announced));
        }),
    });
    const [ann] = openCrowd(here.board, 1);
    const observer = await observeCrowd(there.board, [ann!]);
    here.board.update(ann!.sessionId, { status: "BUSY" });
    await until("it is told", () => observer.told.length > 0);
    expect(observer.told).toMatchObject([{ status: "BUSY" }]);
    expect(texts.size).toBe(2);
  });
});

test("everything in Redis expires, and of users who are gone nothing stays but when they were seen", async () => {
  const [here, there] = [await open(), await openStoppable()];
  const crowd = [...openCrowd(here.board, 50), ...openCrowd(there.board, 50)];
  here.board.announceProfile(crowd[0]!.userId, 1);
  await observeCrowd(here.board, crowd);
  await there.kill();
  for (const { sessionId } of crowd) here.board.close(sessionId);
  await untilLeasesAre(1);
  await until("all is written", () => here.board.stats.sessionsNow + here.board.stats.unwrittenNow === 0);
  const keys = (await redis.command("keys", "*")) as string[];
  for (const key of keys) expect(await redis.command("pttl", key), key).toBeGreaterThan(0);
  const users = keys.filter((key) => key.includes(":user:"));
  expect(users).toHaveLength(100);
  for (const key of users) {
    const fields = (await redis.command("hkeys", key)) as string[];
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
  expect(channelOf(0)).not.toBe(channelOf(1));
});

function* uuids(): Generator<string> {
  for (;;) yield randomUUID();
}

const losing = (bus: Parameters<typeof withPublish>[0], mute: { on: boolean }) =>
  withPublish(bus, (channel, text) => (mute.on ? Promise.resolve(true) : bus.publish(channel, text)));

/** Time is the fact here: the lease has been held for so long. */
const heldForALease = (board: PresenceBoard) => {
  expect(board.up).toBe(true);
  return passes(timings.leaseMs + timings.renewEveryMs * 2);
};

async function passes(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  await until(`${ms} ms pass`, () => performance.now() >= endMs, ms * 2 + 10_000);
}

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
