import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { PresenceBoard } from "../../src/live/presence-board.ts";
import { startRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { observe, openNode, presenceOf, session } from "./presence-board-backends.ts";
import { StoppableClock } from "./presence-board-clocks.ts";

// Guarantee 7, with the times that the product runs with.
describe.concurrent("presence board in real time", () => {
  test("a killed node's users are OFFLINE for the others within 15 s", { timeout: 60_000 }, async () => {
    await using redis = await startRedis();
    await using watching = await openNode(redis.url);
    const clock = new StoppableClock();
    const dying = await openNode(redis.url, { clock });
    const userIds = openCrowd(dying.board, 100);
    const observer = await observe(watching.board, userIds);
    const all = (status: string) => () => userIds.every((userId) => observer.current(userId).status === status);
    await until("all are seen", all("ONLINE"));
    clock.stop();
    await dying.die();
    const killedAtMs = performance.now();
    await until("all are seen OFFLINE", all("OFFLINE"), 15_000);
    console.info(`Users of a killed node: OFFLINE after ${Math.round(performance.now() - killedAtMs)} ms`);
  });

  test("Redis frozen for 10 s puts nobody OFFLINE", { timeout: 90_000 }, async () => {
    await using redis = await startRedis();
    await using here = await openNode(redis.url);
    await using there = await openNode(redis.url);
    const userIds = openCrowd(here.board, 100);
    const observer = await observe(there.board, userIds);
    await until("all are seen", () => userIds.every((userId) => observer.current(userId).status === "ONLINE"));
    observer.told.length = 0;
    // Both may end others' sessions by then.
    await passes(8_000);
    redis.pause();
    await passes(10_000);
    redis.resume();
    const boards = [here.board, there.board];
    await until("both have new leases", () => boards.every(({ up, stats }) => up && stats.epochs > 1));
    await until(
      "the old ones are ended",
      async () => (await redis.command("zcard", "causerie:{presence}:leases")) === 2,
    );
    for (const userId of userIds) expect(await presenceOf(there.board, userId)).toMatchObject({ status: "ONLINE" });
    expect(observer.told).toEqual([]);
  });
});

function openCrowd(board: PresenceBoard, size: number): string[] {
  const userIds = Array.from({ length: size }, (): string => randomUUID());
  for (const userId of userIds) board.open(session(userId));
  return userIds;
}

/** Time is the fact here. */
async function passes(ms: number): Promise<void> {
  const endMs = performance.now() + ms;
  await until(`${ms} ms pass`, () => performance.now() >= endMs, ms * 2 + 10_000);
}
