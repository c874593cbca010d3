import type { Bus } from "./bus.ts";
import type { BoardClock } from "./presence-board.clock.ts";
import { bucketKeys } from "./presence-board.keys.ts";
import type { Lease } from "./presence-board.lease.ts";
import type { BucketMirror } from "./presence-board.mirror.ts";
import type { BoardRedis } from "./presence-board.scripts.ts";
import type { BoardTimings } from "./presence-board.ts";
import type { BucketWriter } from "./presence-board.writer.ts";

interface ComparisonOptions {
  readonly redis: BoardRedis;
  readonly lease: Lease;
  readonly buckets: readonly { readonly writer: BucketWriter; readonly mirror: BucketMirror }[];
  readonly clock: BoardClock;
  readonly timings: BoardTimings;
  readonly bus: Bus;
}

/**
 * Compares each bucket with Redis, every `compareEveryMs` and after each interruption of the bus: its version with the one known
 * here, and the count of this node's writes to it with the one that was acknowledged. One command for each bucket that this
 * node has something in or watches, however many users that are.
 */
export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #stopListening: () => void;
  #comparing = false;
  #again = false;
  #stopped = false;
  #callOff: () => void;
  /** The bucket to be written again next, so that none is forgotten after `keyTtlMs`. */
  #refreshNext = 0;
  #refreshedAtMs: number;

  constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#stopListening = options.bus.onRecovered(() => void this.compare());
    this.#callOff = options.clock.after(options.timings.compareEveryMs, this.#tick);
    this.#refreshedAtMs = options.clock.monotonicMs();
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#callOff();
  }

  readonly #tick = (): void => {
    if (this.#stopped) return;
    this.#callOff = this.#options.clock.after(this.#options.timings.compareEveryMs, this.#tick);
    void this.compare();
    this.#refresh();
  };

  /** All buckets, now, or once more if that is being done. Never rejects. */
  async compare(): Promise<void> {
    this.#again = this.#comparing;
    if (this.#comparing || this.#stopped) return;
    this.#comparing = true;
    await Promise.all(this.#options.buckets.map((_, bucket) => this.#compare(bucket)));
    this.#comparing = false;
    if (this.#again) await this.compare();
  }

  async #compare(bucket: number): Promise<void> {
    const { writer, mirror } = this.#options.buckets[bucket]!;
    const { epoch } = this.#options.lease;
    const expected = epoch === null ? null : writer.expectedCount(epoch);
    if (!mirror.isFollowed && expected === null) return;
    const asked = mirror.mark;
    const keys = [bucketKeys.version(bucket), bucketKeys.writes(bucket, epoch ?? "none")];
    const answer = await this.#options.redis.ask("comparing", (client) => client.mget(keys));
    if (answer === null) return;
    const [version, count] = answer;
    mirror.compare(version ?? "", asked);
    if (epoch === null || expected === null || expected === count) return;
    if (count === "ended") this.#options.lease.lost(epoch);
    // Unless it was written to meanwhile.
    else if (writer.expectedCount(epoch) === expected) writer.rewrite();
  }

  /** One bucket at a time, each often enough. */
  #refresh(): void {
    const { buckets, timings, clock } = this.#options;
    if (clock.monotonicMs() - this.#refreshedAtMs < timings.keyTtlMs / 4 / buckets.length) return;
    this.#refreshedAtMs = clock.monotonicMs();
    buckets[this.#refreshNext]!.writer.rewrite();
    this.#refreshNext = (this.#refreshNext + 1) % buckets.length;
  }
}
