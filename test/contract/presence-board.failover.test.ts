import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leaseKeys } from "../../src/live/presence-board.keys.ts";
import { startRedisCluster } from "../support/redis.ts";
import type { TestRedis, TestRedisCluster } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { observe, openNode, presenceOf, session } from "./presence-board-backends.ts";

const timings = { leaseMs: 3_000, renewEveryMs: 500, answerWithinMs: 1_000, compareEveryMs: 1_000, settleMs: 2_000 };
const redisTimings = { heartbeatMs: 200, deadlineMs: 500, maxBackoffMs: 200 };
const masters = 3;

let cluster: TestRedisCluster;
beforeAll(async () => void (cluster = await startRedisCluster(masters, { replicas: 1 })));
afterAll(() => cluster?.close());

const open = () => openNode(cluster.url, { timings, redisTimings });

/** A hundred users of each of two nodes, as another sees them. */
async function openCrowds() {
  const nodes = await Promise.all([open(), open(), open()]);
  const [one, two, watching] = nodes.map(({ board }) => board);
  const userIds = Array.from({ length: 200 }, (): string => randomUUID());
  for (const [at, userId] of userIds.entries()) [one, two][at % 2]!.open(session(userId));
  const observer = await observe(watching!, userIds);
  const all = (status: string) => () => userIds.every((userId) => observer.current(userId).status === status);
  await until("all are seen", all("ONLINE"));
  observer.told.length = 0;
  const end = async () => void (await Promise.all(nodes.map((node) => node.end())));
  return { boards: [one!, two!, watching!], userIds, observer, end };
}

async function readAll(crowds: Awaited<ReturnType<typeof openCrowds>>, status: string) {
  const { boards, userIds } = crowds;
  for (const board of boards) {
    await until(`all are read ${status}`, async () => {
      const { users, complete } = await board.read(userIds);
      return complete && [...users.values()].every((presence) => presence.status === status);
    });
  }
}

const hasLeases = async (node: TestRedis) =>
  node.command("zcard", leaseKeys.leases).then(
    (count) => Number(count) > 0,
    // Another's slot, or down.
    () => false,
  );

test("a master that loses everything it had is filled again, and nobody is told of anything", async () => {
  const crowds = await openCrowds();
  for (const node of cluster.nodes.slice(0, masters)) {
    await node.command("flushall");
    await readAll(crowds, "ONLINE");
  }
  // What changes afterwards is told, and nothing was before it.
  const userId = crowds.userIds[0]!;
  await until("all has settled", () => crowds.boards.every(({ up, stats }) => up && stats.unwrittenNow === 0));
  await settles();
  const session2 = session(userId, { status: "BUSY" });
  crowds.boards[1]!.open(session2);
  await until("it is told", () => crowds.observer.told.length > 0);
  expect(crowds.observer.told).toMatchObject([{ userId, status: "BUSY" }]);
  await crowds.end();
});

test(
  "when the master with the leases dies and its replica takes over, nobody is put OFFLINE",
  { timeout: 60_000 },
  async () => {
    const crowds = await openCrowds();
    const owners = await Promise.all(cluster.nodes.slice(0, masters).map(hasLeases));
    const master = cluster.nodes[owners.indexOf(true)]!;
    await master.kill();
    await until("the nodes know", () => crowds.boards.every(({ up }) => !up));
    await until("they have their leases again", () => crowds.boards.every(({ up }) => up), 30_000);
    await until("all is written", () => crowds.boards.every(({ stats }) => stats.unwrittenNow === 0));
    await readAll(crowds, "ONLINE");
    await settles();
    expect(crowds.observer.told.filter(({ status }) => status === "OFFLINE")).toEqual([]);
    for (const userId of crowds.userIds.slice(0, 5)) {
      expect(await presenceOf(crowds.boards[2]!, userId)).toMatchObject({ status: "ONLINE" });
    }
    await crowds.end();
  },
);

/** Time is the fact here: everything that is to be found by comparing has been. */
async function settles(): Promise<void> {
  const endMs = performance.now() + timings.leaseMs + timings.settleMs + timings.compareEveryMs;
  await until("all settles", () => performance.now() >= endMs, 30_000);
}
