import { randomUUID } from "node:crypto";
import { expect } from "vitest";
import { leaseKeys } from "../../src/live/presence-board.keys.ts";
import type { NewSession, PresenceBoard } from "../../src/live/presence-board.ts";
import { startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { observe, openNode, patient, session } from "./presence-board-backends.ts";
import type { NodeOptions, Observer, TestNode } from "./presence-board-backends.ts";
import { StoppableClock } from "./presence-board-clocks.ts";

/** As the defaults are to each other, and faster. */
export const timings = {
  graceMs: 200,
  handoverGraceMs: 600,
  leaseMs: 3_000,
  renewEveryMs: 400,
  answerWithinMs: 1_000,
  compareEveryMs: 400,
  gapWaitMs: 40,
  settleMs: 4_000,
};
export const redisTimings = { heartbeatMs: 100, deadlineMs: 800, maxBackoffMs: 100 };
/** Of a machine that is busy with other tests. The product's own times are tried in presence-board.real-time.test.ts. */
export const slackMs = 6_000;

/** A Redis of its own, and nodes on it. */
export class World implements AsyncDisposable {
  readonly redis: TestRedis;
  readonly #options: NodeOptions;
  readonly #nodes = new Set<TestNode>();

  constructor(redis: TestRedis, options: NodeOptions) {
    this.redis = redis;
    this.#options = options;
  }

  async open(options: NodeOptions = {}): Promise<TestNode> {
    const opened = await openNode(this.redis.url, { ...this.#options, ...options });
    this.#nodes.add(opened);
    return opened;
  }

  /** A node that can be stopped as by SIGSTOP, or for good as by SIGKILL. */
  async openStoppable(options: NodeOptions = {}) {
    const clock = new StoppableClock();
    const opened = await this.open({ clock, ...options });
    const kill = async () => {
      clock.stop();
      this.#nodes.delete(opened);
      await opened.die();
    };
    return { ...opened, clock, kill };
  }

  /** No lease but those of the living, so everything that was to be ended is. */
  untilLeasesAre(count: number): Promise<void> {
    return until(`there are ${count} leases`, async () => {
      return (await this.redis.command("zcard", leaseKeys.leases)) === count;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#nodes].map((each) => each.end()));
    await this.redis.close();
  }
}

/** Its nodes are quick to find that Redis is in trouble. */
export const openWorld = async () => new World(await startRedis(), { timings, redisTimings });

/** Nothing happens to Redis there: on a busy machine, that an answer is late must not look like it. */
export const openHealthyWorld = async () =>
  new World(await startRedis(), { timings: { ...timings, answerWithinMs: 10_000 }, redisTimings: patient });

/** A session each for so many users, in as many buckets as that makes. */
export function openCrowd(board: PresenceBoard, size: number): NewSession[] {
  const crowd = Array.from({ length: size }, () => session(randomUUID(), { roomId: "r" }));
  for (const each of crowd) board.open(each);
  return crowd;
}

export async function observeCrowd(board: PresenceBoard, crowd: readonly NewSession[]): Promise<Observer> {
  const observer = await observe(
    board,
    crowd.map(({ userId }) => userId),
  );
  await untilAll(observer, crowd, "ONLINE");
  observer.told.length = 0;
  return observer;
}

export const untilAll = (observer: Observer, crowd: readonly NewSession[], status: string, deadlineMs = 20_000) =>
  until(
    `all are seen ${status}`,
    () => crowd.every(({ userId }) => observer.current(userId).status === status),
    deadlineMs,
  );

/** Time is the fact here: the lease has been held for so long. */
export const heldForALease = (board: PresenceBoard) => {
  expect(board.up).toBe(true);
  return passes(timings.leaseMs + timings.renewEveryMs * 2);
};

export async function passes(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  await until(`${ms} ms pass`, () => performance.now() >= endMs, ms * 2 + 10_000);
}
