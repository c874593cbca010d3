import type { Cluster, Redis } from "ioredis";
import { parseAnnouncement } from "./presence-board.announcement.ts";
import type { Announcement, StoredUser } from "./presence-board.announcement.ts";
import type { Bus } from "./bus.ts";
import { bucketCount, bucketOf, channelOf } from "./presence-board.keys.ts";
import { Comparison } from "./presence-board.comparison.ts";
import { Lease } from "./presence-board.lease.ts";
import type { DeadEpoch } from "./presence-board.lease.ts";
import { BucketMirror } from "./presence-board.mirror.ts";
import type { BoardSetup } from "./presence-board.node.ts";
import type { HeardFromOthers, KnownUser, OtherNodes } from "./presence-board.others.ts";
import { Reader, maxUsersRead } from "./presence-board.reader.ts";
import { Reaper } from "./presence-board.reaper.ts";
import { BoardRedis } from "./presence-board.scripts.ts";
import type { LocalSession, LocalSessions } from "./presence-board.sessions.ts";
import { BucketWriter } from "./presence-board.writer.ts";

/** One bucket as this node has it: what it writes there, and what it knows of it. */
export interface Bucket {
  readonly writer: BucketWriter;
  readonly mirror: BucketMirror;
}

interface RedisOtherNodesOptions {
  readonly setup: BoardSetup;
  readonly client: Redis | Cluster;
  readonly bus: Bus;
  readonly heard: HeardFromOthers;
  readonly local: LocalSessions;
}

/** The other nodes, met in Redis. */
export class RedisOtherNodes implements OtherNodes {
  readonly #options: RedisOtherNodesOptions;
  readonly #lease: Lease;
  readonly #reaper: Reaper;
  readonly #reader: Reader;
  readonly #comparison: Comparison;
  readonly #buckets: readonly Bucket[];
  /** The epoch under which this node looked for sessions that have no lease at all. */
  #lookedUnder = "";
  #gaps = 0;

  constructor(options: RedisOtherNodesOptions) {
    this.#options = options;
    const { setup, client, bus, heard, local } = options;
    const { clock, timings, log } = setup;
    const redis = new BoardRedis({ client, clock, answerWithinMs: timings.answerWithinMs, log });
    const lease = new Lease({
      redis,
      setup,
      events: { entered: this.#rewriteAll, renewed: this.#renewed, mayEnd: this.#end },
      isRewriting: () => this.#isRewriting,
    });
    this.#lease = lease;
    this.#reaper = new Reaper({ redis, ttls: timings, written: this.#announce, seen: heard.seen });
    this.#reader = new Reader({ redis, lease });
    this.#buckets = Array.from({ length: bucketCount }, (_, bucket) => ({
      writer: new BucketWriter({
        bucket,
        redis,
        lease,
        local,
        ttls: timings,
        written: (announcement, text) => this.#announce(bucket, announcement, text),
      }),
      mirror: new BucketMirror({
        clock,
        timings,
        subscribe: () => this.#subscribe(bucket),
        read: (userIds) => this.#reader.readBucket(bucket, userIds),
        maxUsersRead,
        mayBeMissing: () => lease.someoneRewrites,
        changed: heard.changed,
        gapFound: () => void (this.#gaps += 1),
      }),
    }));
    this.#comparison = new Comparison({ redis, lease, buckets: this.#buckets, clock, timings, bus });
    lease.renew();
  }

  changed(session: LocalSession, seenMs: number): void {
    this.#bucketOf(session.userId).writer.sessionChanged(session, seenMs);
  }

  profileChanged(userId: string, revision: number): void {
    this.#bucketOf(userId).writer.profileChanged(userId, revision);
  }

  async follow(userIds: readonly string[]): Promise<void> {
    await Promise.all(byBucket(userIds, (bucket, ids) => this.#buckets[bucket]!.mirror.follow(ids)));
  }

  unfollow(userIds: readonly string[]): void {
    byBucket(userIds, (bucket, ids) => this.#buckets[bucket]!.mirror.unfollow(ids));
  }

  known(userId: string): KnownUser | undefined {
    const user = this.#bucketOf(userId).mirror.get(userId);
    return user && this.#ofOthers(user);
  }

  async read(userIds: readonly string[]) {
    const users = new Map<string, KnownUser>();
    const unknown: string[] = [];
    for (const userId of userIds) {
      const known = this.known(userId);
      if (known === undefined) unknown.push(userId);
      else users.set(userId, known);
    }
    const readings = await Promise.all(byBucket(unknown, (bucket, ids) => this.#reader.read(bucket, ids)));
    for (const reading of readings) {
      for (const [userId, user] of reading ?? []) users.set(userId, this.#ofOthers(user));
    }
    return { users, complete: !readings.includes(null) };
  }

  nowMs(): number {
    return this.#lease.nowMs();
  }

  nodes() {
    return this.#lease.nodes;
  }

  drain(): void {
    this.#lease.drain();
  }

  get up(): boolean {
    return this.#lease.up;
  }

  get stats() {
    return {
      unwrittenNow: this.#buckets.reduce((sum, { writer }) => sum + writer.waiting, 0),
      leaseAgeMsNow: this.#lease.ageMs,
      epochs: this.#lease.epochs,
      gaps: this.#gaps,
      endedForOthers: this.#reaper.ended,
    };
  }

  async leave(): Promise<void> {
    this.#comparison.stop();
    await Promise.all(this.#buckets.map(({ writer }) => writer.write()));
    await this.#lease.stop();
    for (const { mirror } of this.#buckets) mirror.close();
  }

  get #isRewriting(): boolean {
    return this.#buckets.some(({ writer }) => writer.isRewriting);
  }

  #bucketOf(userId: string): Bucket {
    return this.#buckets[bucketOf(userId)]!;
  }

  /** What this node has is known here better. */
  #ofOthers({ sessions, seenMs, profileRevision }: StoredUser): KnownUser {
    return { sessions: sessions.filter(({ epoch }) => !this.#lease.isOwn(epoch)), seenMs, profileRevision };
  }

  #subscribe(bucket: number): { ready: Promise<unknown>; close: () => void } {
    const subscription = this.#options.bus.subscribe(channelOf(bucket), (text) => {
      const announcement = parseAnnouncement(text);
      if (announcement !== null) this.#buckets[bucket]!.mirror.take(announcement);
    });
    return { ready: subscription.acknowledged, close: () => void subscription.close() };
  }

  readonly #announce = (bucket: number, announcement: Announcement, text: string): void => {
    this.#buckets[bucket]!.mirror.take(announcement);
    // Where it is lost, the others find that out by comparing.
    void this.#options.bus.publish(channelOf(bucket), text);
  };

  readonly #rewriteAll = (): void => {
    for (const { writer } of this.#buckets) writer.rewrite();
    // What was asked for while Redis was out of reach.
    void this.#comparison.compare();
  };

  readonly #renewed = (): void => {
    for (const { writer } of this.#buckets) void writer.write();
    const { formers } = this.#lease;
    if (formers.length > 0 && !this.#isRewriting) void this.#endFormers(formers);
  };

  /** All that is still here of this node was written again. */
  async #endFormers(formers: readonly DeadEpoch[]): Promise<void> {
    this.#lease.ended(await this.#reaper.end(formers));
  }

  readonly #end = (dead: readonly DeadEpoch[], epoch: string): void => {
    void this.#reaper.end(dead);
    if (this.#lookedUnder !== epoch) void this.#endForgotten(epoch);
  };

  /** The leases were lost if this node had to take a new one: others may have died meanwhile. */
  async #endForgotten(epoch: string): Promise<void> {
    this.#lookedUnder = epoch;
    if (!(await this.#reaper.endForgotten(epoch, this.nowMs()))) this.#lookedUnder = "";
  }
}

function byBucket<T>(userIds: readonly string[], each: (bucket: number, userIds: string[]) => T): T[] {
  return [...Map.groupBy(userIds, bucketOf)].map(([bucket, ids]) => each(bucket, ids));
}
