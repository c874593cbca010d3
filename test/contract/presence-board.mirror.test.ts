import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseVersion } from "../../src/live/presence-board.announcement.ts";
import type { Announcement, StoredUser } from "../../src/live/presence-board.announcement.ts";
import { BucketMirror } from "../../src/live/presence-board.mirror.ts";
import type { BucketReading } from "../../src/live/presence-board.mirror.ts";
import { defaultBoardTimings } from "../../src/live/presence-board.ts";
import { ManualClock } from "./presence-board-clocks.ts";

const userIds = ["ann", "bob", "carol"];
/** Of the bucket too, and not followed. */
const strangers = ["dora"];
const { settleMs, gapWaitMs } = defaultBoardTimings;

/**
 * A bucket of which each user's state is one session, the number of which rises with each write. What is announced, and what
 * is read, arrives when the test says so.
 */
class Bucket {
  #users = new Map<string, number>();
  #version = "";
  #born = 0;
  #writes = 0;
  readonly announced: Announcement[] = [];
  readonly reading: { answer: BucketReading; resolve: (answer: BucketReading | null) => void }[] = [];
  #saved: [Map<string, number>, string] = [new Map(), ""];

  write(userId: string): void {
    this.#writes += 1;
    this.#users.set(userId, this.#writes);
    const [born, count] = this.#version === "" ? [(this.#born += 1), 0] : this.#version.split(".").map(Number);
    const previous = this.#version;
    this.#version = `${born}.${count! + 1}.w${this.#writes}`;
    const version = parseVersion(this.#version)!;
    this.announced.push({ previous, version, users: new Map([[userId, this.state(userId)]]) });
  }

  state(userId: string): StoredUser {
    const number = this.#users.get(userId) ?? 0;
    return { sessions: [], seenMs: number, profileRevision: 0 };
  }

  read(ids: readonly string[]): Promise<BucketReading | null> {
    const answer = { version: parseVersion(this.#version)!, users: new Map(ids.map((id) => [id, this.state(id)])) };
    return new Promise((resolve) => this.reading.push({ answer, resolve }));
  }

  get version(): string {
    return this.#version;
  }

  save(): void {
    this.#saved = [new Map(this.#users), this.#version];
  }

  /** As after a failover to a replica that was behind. */
  goBack(): void {
    [this.#users, this.#version] = [new Map(this.#saved[0]), this.#saved[1]];
  }

  /** Everything is lost. */
  lose(): void {
    this.#users.clear();
    this.#version = "";
  }
}

interface World {
  bucket: Bucket;
  mirror: BucketMirror;
  clock: ManualClock;
  /** What the mirror said of each user, in order. */
  shown: Map<string, number[]>;
  /** Whether one says so. */
  nodesRewrite: boolean;
}

async function world(): Promise<World> {
  const bucket = new Bucket();
  const clock = new ManualClock();
  const shown = new Map(userIds.map((userId): [string, number[]] => [userId, []]));
  const mirror: BucketMirror = new BucketMirror({
    clock,
    timings: defaultBoardTimings,
    subscribe: () => ({ ready: Promise.resolve(true), close: () => {} }),
    read: (ids) => bucket.read(ids),
    maxUsersRead: 2,
    mayBeMissing: () => all.nodesRewrite,
    changed: (userId) => shown.get(userId)!.push(mirror.get(userId)!.seenMs),
    gapFound: () => {},
  });
  const all: World = { bucket, mirror, clock, shown, nodesRewrite: false };
  void mirror.follow(userIds);
  await settled();
  return all;
}

/** Everything that can go on without an answer has gone on. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

type Step = (world: World) => void | Promise<void>;
const at = (list: readonly unknown[], where: number) => Math.floor(where * list.length);

const write = fc
  .constantFrom(...userIds, ...strangers)
  .map((userId): [string, Step] => [`write ${userId}`, ({ bucket }) => bucket.write(userId)]);
/** Any of those that are on the way; it may come again. */
const hear = fc
  .tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.boolean())
  .map(([where, again]): [string, Step] => [
    `hear ${where} ${again}`,
    ({ bucket, mirror }) => {
      const index = at(bucket.announced, where);
      const announcement = bucket.announced[index];
      if (announcement !== undefined) mirror.take(announcement);
      if (!again) bucket.announced.splice(index, 1);
    },
  ]);
const lose = fc
  .double({ min: 0, max: 0.999, noNaN: true })
  .map((where): [string, Step] => [
    `lose ${where}`,
    ({ bucket }) => void bucket.announced.splice(at(bucket.announced, where), 1),
  ]);
const answer = fc.integer({ min: 0, max: 4 }).map((kind): [string, Step] => [
  kind === 0 ? "no answer" : "answer",
  async ({ bucket }) => {
    const asked = bucket.reading.shift();
    asked?.resolve(kind === 0 ? null : asked.answer);
    await settled();
  },
]);
const compare = fc.boolean().map((writes): [string, Step] => [
  `compare ${writes}`,
  async ({ bucket, mirror }) => {
    const asked = mirror.mark;
    const text = bucket.version;
    if (writes) bucket.write("ann");
    mirror.compare(text, asked);
    await settled();
  },
]);
const pass = fc.constantFrom(10, gapWaitMs, settleMs).map((ms): [string, Step] => [
  `${ms} ms pass`,
  async ({ clock }) => {
    clock.advance(ms);
    await settled();
  },
]);
const usual = [
  { weight: 5, arbitrary: write },
  { weight: 5, arbitrary: hear },
  { weight: 1, arbitrary: lose },
  { weight: 3, arbitrary: answer },
  { weight: 1, arbitrary: compare },
  { weight: 2, arbitrary: pass },
];
const disasters = fc.constantFrom<[string, Step]>(
  ["save", ({ bucket }) => bucket.save()],
  ["go back", ({ bucket }) => bucket.goBack()],
  ["lose all", ({ bucket }) => bucket.lose()],
);

/** Nothing is announced any more, reads are answered, versions are compared: what is missing must be found. */
async function comeToRest({ bucket, mirror, clock }: World): Promise<void> {
  bucket.announced.length = 0;
  for (let round = 0; round < 8; round += 1) {
    mirror.compare(bucket.version, mirror.mark);
    for (const ms of [0, gapWaitMs, settleMs]) {
      clock.advance(ms);
      await settled();
      await answerAll(bucket);
    }
  }
}

const run = async (steps: readonly [string, Step][]): Promise<World> => {
  const all = await world();
  for (const [, step] of steps) await step(all);
  await comeToRest(all);
  return all;
};

describe("the mirror of a bucket", { timeout: 90_000 }, () => {
  test("agrees with the bucket in the end, whatever was lost, doubled, late or not answered, and shows nothing older after something newer", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(...usual), { maxLength: 80 }), async (steps) => {
        const { bucket, mirror, shown } = await run(steps);
        for (const userId of userIds) expect(mirror.get(userId)).toEqual(bucket.state(userId));
        for (const numbers of shown.values()) expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
        expect(mirror.mark.version?.text).toBe(bucket.version);
      }),
      { numRuns: 1_000 },
    );
  });

  test("agrees with the bucket in the end also where Redis lost it or went back", async () => {
    const steps = fc.array(fc.oneof(...usual, { weight: 3, arbitrary: disasters }), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(steps, async (chosen) => {
        const { bucket, mirror } = await run(chosen);
        for (const userId of userIds) expect(mirror.get(userId)).toEqual(bucket.state(userId));
        expect(mirror.mark.version?.text).toBe(bucket.version);
      }),
      { numRuns: 1_000 },
    );
  });

  test("after a loss, waits for the nodes that say they are writing their sessions again, and not for ever", async () => {
    const all = await world();
    const { bucket, mirror, clock } = all;
    bucket.write("ann");
    await answerAll(bucket);
    await comeToRest(all);
    all.nodesRewrite = true;
    bucket.lose();
    mirror.compare(bucket.version, mirror.mark);
    clock.advance(settleMs * 10 - 1);
    await answerAll(bucket);
    expect(mirror.get("ann")!.seenMs).toBe(1);
    clock.advance(1);
    await answerAll(bucket);
    expect(mirror.get("ann")!.seenMs).toBe(0);
  });

  // What chance finds seldom, each found by it once.

  test("takes what was read before the bucket began for old, not for a loss", async () => {
    const all = await world();
    const { bucket, mirror, clock, shown } = all;
    bucket.write("ann");
    bucket.write("ann");
    mirror.take(bucket.announced[1]!);
    await answerFirst(bucket);
    clock.advance(settleMs);
    await settled();
    mirror.take(bucket.announced[0]!);
    expect(shown.get("ann")!.filter((number) => number > 0)).toEqual([2]);
  });

  test("notices that Redis went back to before what it read", async () => {
    const all = await world();
    const { bucket, mirror } = all;
    bucket.write("ann");
    bucket.save();
    bucket.write("carol");
    mirror.take(bucket.announced[0]!);
    // Of the second reading, which carol is in, the answer is on the way.
    await answerFirst(bucket);
    bucket.goBack();
    await comeToRest(all);
    expect(mirror.get("carol")).toEqual(bucket.state("carol"));
  });

  test("notices that Redis went back and on again as far as it was known, by users who are not followed", async () => {
    const all = await world();
    const { bucket, mirror } = all;
    await answerAll(bucket);
    bucket.write("ann");
    bucket.save();
    bucket.write("dora");
    for (const announcement of bucket.announced) mirror.take(announcement);
    bucket.goBack();
    bucket.write("ann");
    await comeToRest(all);
    expect(mirror.get("ann")).toEqual(bucket.state("ann"));
  });
});

async function answerFirst(bucket: Bucket): Promise<void> {
  const asked = bucket.reading.shift()!;
  asked.resolve(asked.answer);
  await settled();
}

async function answerAll(bucket: Bucket): Promise<void> {
  while (bucket.reading.length > 0) await answerFirst(bucket);
}
