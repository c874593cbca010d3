import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { bucketOf } from "../../src/live/presence-board.keys.ts";
import { until } from "../support/until.ts";
import { session } from "./presence-board-backends.ts";
import { withPublish } from "./presence-board-chance.ts";
import { observeCrowd, openCrowd, openHealthyWorld, slackMs, timings } from "./presence-board-world.ts";

describe.concurrent("announcements of the presence board", { timeout: 90_000 }, () => {
  test("a lost one is mended by comparing", async () => {
    await using world = await openHealthyWorld();
    const mute = { on: false };
    const [here, there] = [await world.open({ through: (bus) => losing(bus, mute) }), await world.open()];
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
  });

  test("a lost one is found with the next, without comparing", async () => {
    await using world = await openHealthyWorld();
    const mute = { on: false };
    const seldom = { ...timings, answerWithinMs: 10_000, compareEveryMs: 600_000 };
    const here = await world.open({ through: (bus) => losing(bus, mute), timings: seldom });
    const there = await world.open({ timings: seldom });
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
    expect(there.board.stats.gaps).toBeGreaterThan(0);
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
    await using world = await openHealthyWorld();
    const texts = new Set<string>();
    const there = await world.open();
    const here = await world.open({
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
    await until("both were announced", () => texts.size === 2);
  });
});

function* uuids(): Generator<string> {
  for (;;) yield randomUUID();
}

const losing = (bus: Parameters<typeof withPublish>[0], mute: { on: boolean }) =>
  withPublish(bus, (channel, text) => (mute.on ? Promise.resolve(true) : bus.publish(channel, text)));
