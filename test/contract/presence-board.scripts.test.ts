import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { systemBoardClock } from "../../src/live/presence-board.clock.ts";
import { allLeaseKeys, bucketKeys, leaseKeys } from "../../src/live/presence-board.keys.ts";
import { BoardRedis } from "../../src/live/presence-board.scripts.ts";
import { writeCall } from "../../src/live/presence-board.writer.ts";
import { startRedis } from "../support/redis.ts";
import type { TestRedis } from "../support/redis.ts";
import { silent } from "./presence-board-backends.ts";

// What arrives late, from a process that was frozen or over a connection that was given up: no test can bring that about
// through the front door at will.
describe("scripts of the presence board", () => {
  let server: TestRedis;
  let client: Redis;
  let redis: BoardRedis;
  const bucket = 7;
  const [former, later, other] = ["proc-ess-1", "proc-ess-2", "process-9"];

  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.url);
    redis = new BoardRedis({ client, clock: systemBoardClock, answerWithinMs: 5_000, log: silent });
  });
  afterAll(async () => {
    client.disconnect();
    await server.close();
  });
  beforeEach(async () => void (await client.flushall()));

  const ttls = { keyTtlMs: 60_000, offlineTtlMs: 1_000 };
  let tags = 0;
  function write(epoch: string, number: number | "end", ...words: [string, string, string, number][]) {
    tags += 1;
    const { keys, args } = writeCall(
      { bucket, epoch, number, tag: `t${tags}`, ttls },
      words.map((each) => ({ userId: "ann", words: each })),
    );
    return redis.run("write", keys, args);
  }
  const end = (epoch: string) =>
    redis.run(
      "end",
      [bucketKeys.writes(bucket, epoch), bucketKeys.sessions(bucket, epoch), bucketKeys.epochs(bucket)],
      [epoch, 60_000, 100],
    );
  const ann = () => client.hgetall(bucketKeys.user(bucket, "ann"));
  const value = (epoch: string, visible = 1) => `${epoch} ${visible} whatever`;

  test("a write again changes nothing and is no news", async () => {
    const first = await write(former, 1, ["set", "s", value(former), 0]);
    expect(first).toEqual(["written", "", expect.stringMatching(/^\d{16}\.1\.t\d+$/), "ann", ["s:s", value(former)]]);
    expect(await write(former, 2, ["set", "s", value(former), 0])).toEqual(["written"]);
    const [, previous, version] = (await write(former, 3, ["set", "s", value(former, 0), 5]))!;
    expect(previous).toBe(first![2]);
    expect(version).toMatch(/^\d{16}\.2\.t\d+$/);
  });

  test("an earlier write that arrives after a later one is refused", async () => {
    await write(former, 2, ["set", "s", value(former), 0]);
    expect(await write(former, 1, ["delete", "s", "", 9])).toEqual(["stale"]);
    expect(await write(former, 2, ["delete", "s", "", 9])).toEqual(["stale"]);
    expect(await ann()).toEqual({ "s:s": value(former) });
  });

  test("a user is kept for long only with a session: what is left of one who was erased goes soon", async () => {
    const ttl = () => client.pttl(bucketKeys.user(bucket, "ann"));
    await write(former, 1, ["profile", "", "3", 0]);
    expect(await ttl()).toBeLessThanOrEqual(ttls.offlineTtlMs);
    await write(former, 2, ["set", "s", value(former), 0], ["set", "t", value(former), 0]);
    expect(await ttl()).toBeGreaterThan(ttls.offlineTtlMs);
    await write(former, 3, ["delete", "s", "", 5]);
    expect(await ttl()).toBeGreaterThan(ttls.offlineTtlMs);
    await write(former, 4, ["delete", "t", "", 9]);
    expect(await ann()).toEqual({ profile: "3", seen: "9" });
    expect(await ttl()).toBeLessThanOrEqual(ttls.offlineTtlMs);
  });

  test("a write under an epoch that was ended is refused", async () => {
    await write(former, 1, ["set", "s", value(former), 0]);
    expect(await end(former)).toEqual(["s", "ann"]);
    await write(former, "end", ["end", "s", "", 123]);
    expect(await end(former)).toEqual([]);
    expect(await write(former, 2, ["set", "s", value(former), 0])).toEqual(["ended"]);
    expect(await ann()).toEqual({ seen: "123" });
    expect(await client.smembers(bucketKeys.epochs(bucket))).toEqual([]);
    expect(await client.exists(bucketKeys.sessions(bucket, former))).toBe(0);
  });

  test("ending an epoch leaves the sessions that were written again under a later one", async () => {
    await write(former, 1, ["set", "s", value(former), 0], ["set", "t", value(former), 0]);
    await write(later, 1, ["set", "s", value(later), 0]);
    expect(new Set(await end(former))).toEqual(new Set(["s", "t", "ann"]));
    await write(former, "end", ["end", "s", "", 5], ["end", "t", "", 5]);
    expect(await ann()).toEqual({ "s:s": value(later), seen: "5" });
    expect(await end(former)).toEqual([]);
  });

  test("a late write under a former epoch of the same process does not undo what the later one wrote", async () => {
    await write(later, 1, ["set", "s", value(later), 0]);
    expect(await write(former, 1, ["set", "s", value(former), 0])).toEqual(["written"]);
    expect(await write(former, 2, ["delete", "s", "", 9])).toEqual(["written"]);
    expect(await ann()).toEqual({ "s:s": value(later) });
    // The digits count, not the text.
    await write("proc-ess-10", 1, ["set", "s", value("proc-ess-10"), 0]);
    await write(later, 2, ["delete", "s", "", 9]);
    expect(await ann()).toEqual({ "s:s": value("proc-ess-10") });
    expect(await write(other, 1, ["delete", "s", "", 0])).toHaveLength(5);
  });

  test("the user was seen when the last visible session went, hidden ones do not tell", async () => {
    await write(former, 1, ["set", "hidden", value(former, 0), 0], ["set", "open", value(former), 0]);
    await write(former, 2, ["delete", "hidden", "", 50]);
    expect(await ann()).not.toHaveProperty("seen");
    await write(former, 3, ["set", "open", value(former, 0), 70]);
    expect(await ann()).toMatchObject({ seen: "70" });
    await write(former, 4, ["set", "other", value(former), 0], ["delete", "other", "", 60]);
    expect(await ann()).toMatchObject({ seen: "70" });
  });

  describe("the lease", () => {
    const ask = (
      epoch: string,
      kind: "enter" | "renew",
      { leaseMs = 60_000, claimMs = 0, digest = "", formers = [] as string[] } = {},
    ) =>
      redis.run("lease", allLeaseKeys, [epoch, kind, leaseMs, `node of ${epoch}`, claimMs, digest, 60_000, ...formers]);
    const runOut = (epoch: string) => client.zadd(leaseKeys.leases, Date.now() - 1, epoch);

    test("is not renewed once it ran out, or where there is none", async () => {
      expect(await ask("a", "renew")).toEqual(["lost", expect.any(Number)]);
      expect((await ask("a", "enter"))![0]).toBe("held");
      expect((await ask("a", "renew"))![0]).toBe("held");
      await runOut("a");
      expect(await ask("a", "renew")).toEqual(["lost", expect.any(Number)]);
    });

    test("tells who lives, but not to one who knows", async () => {
      await ask("a", "enter");
      await runOut("a");
      const [, , digest, live] = (await ask("b", "enter"))!;
      expect(live).toEqual(["b", "node of b"]);
      const again = (await ask("b", "renew", { digest: String(digest) }))!;
      expect(again.slice(2)).toEqual([digest, null, []]);
      await ask("c", "enter");
      expect((await ask("b", "renew", { digest: String(digest) }))![3]).toEqual(["b", "node of b", "c", "node of c"]);
    });

    test("gives a dead epoch to one node at a time, as long as that one renews", async () => {
      for (const epoch of ["dead", "a", "b"]) await ask(epoch, "enter");
      await runOut("dead");
      const dead = async (epoch: string, claimMs: number) => (await ask(epoch, "renew", { claimMs }))![4];
      const claimed = ["dead", expect.stringMatching(/^\d{13}$/)];
      expect(await dead("a", 0)).toEqual([]);
      expect(await dead("a", 30_000)).toEqual(claimed);
      expect(await dead("b", 30_000)).toEqual([]);
      expect(await dead("a", 30_000)).toEqual(claimed);
      await client.hset(leaseKeys.claims, "dead", `a ${Date.now() - 1}`);
      expect(await dead("b", 30_000)).toEqual(claimed);
      expect(await dead("a", 30_000)).toEqual([]);
    });

    test("leaves the dead epochs of a process that lives to that process, and forgets none that it names", async () => {
      await ask("p-r-1", "enter");
      await client.del(leaseKeys.leases);
      await ask("p-r-2", "enter", { formers: ["p-r-1"] });
      await ask("p-1", "enter");
      const dead = async () => ((await ask("p-1", "renew", { claimMs: 30_000 }))![4] as string[])[0];
      expect(await client.zrange(leaseKeys.leases, 0, -1)).toContain("p-r-1");
      expect(await dead()).toBeUndefined();
      await runOut("p-r-2");
      expect(await dead()).toMatch(/^p-r-[12]$/);
    });

    test("goes with all that is known of the epoch when it is forgotten", async () => {
      await ask("a", "enter");
      await ask("b", "enter");
      await runOut("a");
      await ask("b", "renew", { claimMs: 30_000 });
      expect(await redis.run("forget", allLeaseKeys, ["a"])).toEqual([1]);
      expect(await client.zrange(leaseKeys.leases, 0, -1)).toEqual(["b"]);
      expect(await client.hkeys(leaseKeys.nodes)).toEqual(["b"]);
      expect(await client.exists(leaseKeys.claims)).toBe(0);
    });

    test("lasts no longer than a lease, whatever the clock was when it was taken", async () => {
      await ask("a", "enter", { leaseMs: 3_600_000 });
      await ask("b", "enter", { leaseMs: 1_000 });
      expect(Number(await client.zscore(leaseKeys.leases, "a"))).toBeLessThanOrEqual(Date.now() + 1_000);
    });
  });
});
