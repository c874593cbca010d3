import { randomBytes } from "node:crypto";
import { announcementOf } from "./presence-board.announcement.ts";
import type { Announcement } from "./presence-board.announcement.ts";
import { allLeaseKeys, bucketCount, bucketKeys, leaseKeys } from "./presence-board.keys.ts";
import type { DeadEpoch } from "./presence-board.lease.ts";
import type { BoardRedis } from "./presence-board.scripts.ts";
import type { Seen } from "./presence-board.ts";
import { writeCall, type KeyTtls } from "./presence-board.writer.ts";

const sessionsAtOnce = 100;
const bucketsAtOnce = 8;
/** A node stopped for longer than this, whose first act is to write, could leave a session that counts until it is forgotten. */
const refuseLateWritesMs = 600_000;

interface ReaperOptions {
  readonly redis: BoardRedis;
  readonly ttls: KeyTtls;
  readonly written: (bucket: number, announcement: Announcement, text: string) => void;
  readonly seen: (seen: Seen) => void;
}

/**
 * Ends the sessions of dead epochs. Each step is whole and may be repeated, by this node or another, so nothing is lost where it
 * stops half-way.
 */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #ending = new Set<string>();
  readonly #tag = randomBytes(9).toString("base64url");
  #writes = 0;
  /** Sessions, since the start. */
  ended = 0;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** Gives those that are ended. Those that are being ended already are passed over; the others are to be told again. */
  async end(epochs: readonly DeadEpoch[]): Promise<string[]> {
    const dead = epochs.filter(({ epoch }) => !this.#ending.has(epoch));
    const ended: string[] = [];
    for (const { epoch } of dead) this.#ending.add(epoch);
    for (const each of dead) {
      if (await this.#endEverywhere(each)) ended.push(each.epoch);
      this.#ending.delete(each.epoch);
    }
    return ended;
  }

  async #endEverywhere(dead: DeadEpoch): Promise<boolean> {
    if (!(await everyBucket((bucket) => this.#endIn(bucket, dead)))) return false;
    return (await this.#options.redis.run("forget", allLeaseKeys, [dead.epoch])) !== null;
  }

  /**
   * Ends epochs that have sessions but no lease, not even one that ran out: the leases were lost, and their nodes did not
   * come back. False: not all buckets could be looked at, or this node, which holds `own`, has lost its lease too.
   */
  async endForgotten(own: string, nowMs: number): Promise<boolean> {
    return everyBucket(async (bucket) => {
      const forgotten = await this.#forgottenIn(bucket, own);
      for (const epoch of forgotten ?? []) if (!(await this.#endIn(bucket, { epoch, renewedMs: nowMs }))) return false;
      return forgotten !== null;
    });
  }

  async #forgottenIn(bucket: number, own: string): Promise<string[] | null> {
    const { redis } = this.#options;
    const epochs = await redis.ask("epochs", (client) => client.smembers(bucketKeys.epochs(bucket)));
    if (epochs === null || epochs.length === 0) return epochs;
    // Asked for after the epochs: whoever writes has entered first.
    const leases = await redis.ask("leases", (client) => client.zmscore(leaseKeys.leases, own, ...epochs));
    const [ownLease, ...theirs] = leases ?? [null];
    // Where the leases have just been lost, all seem forgotten.
    return ownLease === null ? null : epochs.filter((_, at) => theirs[at] === null);
  }

  async #endIn(bucket: number, dead: DeadEpoch): Promise<boolean> {
    for (;;) {
      const sessions = await this.#sessionsIn(bucket, dead.epoch);
      if (sessions === null) return false;
      if (sessions.length === 0) return true;
      if (!(await this.#endSome(bucket, dead, sessions))) return false;
    }
  }

  async #sessionsIn(bucket: number, epoch: string): Promise<{ sessionId: string; userId: string }[] | null> {
    const keys = [bucketKeys.writes(bucket, epoch), bucketKeys.sessions(bucket, epoch), bucketKeys.epochs(bucket)];
    const words = await this.#options.redis.run("end", keys, [epoch, refuseLateWritesMs, sessionsAtOnce]);
    return (
      words?.flatMap((word, at) => (at % 2 === 0 ? { sessionId: String(word), userId: String(words[at + 1]) } : [])) ??
      null
    );
  }

  async #endSome(
    bucket: number,
    { epoch, renewedMs }: DeadEpoch,
    sessions: readonly { sessionId: string; userId: string }[],
  ): Promise<boolean> {
    this.#writes += 1;
    const { redis, ttls, written, seen } = this.#options;
    const { keys, args } = writeCall(
      { bucket, epoch, number: "end", tag: `${this.#tag}-${this.#writes}`, ttls },
      sessions.map(({ sessionId, userId }) => ({ userId, words: ["end", sessionId, "", renewedMs] })),
    );
    const reply = await redis.run("write", keys, args);
    if (reply === null) return false;
    const [, ...rest] = reply;
    const announcement = rest.length > 0 ? announcementOf(rest) : null;
    if (announcement === null) return true;
    this.ended += sessions.length;
    written(bucket, announcement, JSON.stringify(rest));
    for (const [userId, { seenMs }] of announcement.users) if (seenMs > 0) seen({ userId, atMs: seenMs });
    return true;
  }
}

/** Stops at the first that says false, and then says so itself. */
async function everyBucket(each: (bucket: number) => Promise<boolean>): Promise<boolean> {
  let [next, goesOn] = [0, true];
  const lane = async () => {
    while (goesOn && next < bucketCount) if (!(await each(next++))) goesOn = false;
  };
  await Promise.all(Array.from({ length: bucketsAtOnce }, lane));
  return goesOn;
}
