import { randomBytes } from "node:crypto";
import { announcementOf, encodeSession } from "./presence-board.announcement.ts";
import type { Announcement } from "./presence-board.announcement.ts";
import { bucketKeys } from "./presence-board.keys.ts";
import type { Lease } from "./presence-board.lease.ts";
import type { BoardRedis } from "./presence-board.scripts.ts";
import type { LocalSession, LocalSessions } from "./presence-board.sessions.ts";
import type { BoardTimings } from "./presence-board.ts";

/** One script runs at most this many changes, so that nobody else in Redis waits long. */
const maxBatch = 100;
/**
 * Ended sessions and profiles that wait to be written to one bucket. Beyond: profiles are not announced, and for the ended
 * sessions the node gives up its epoch, so that they end with it.
 */
const maxWaitingBeyondSessions = 1_000;

interface Change {
  readonly userId: string;
  /** Of the session, as it is by the time it is written. */
  readonly sessionId?: string;
  readonly seenMs: number;
  readonly profileRevision?: number;
}

interface WriterOptions {
  readonly bucket: number;
  readonly redis: BoardRedis;
  readonly lease: Lease;
  readonly local: LocalSessions;
  readonly ttls: KeyTtls;
  /** Something was changed in Redis: whoever else watches the bucket is to be told `text`. */
  readonly written: (announcement: Announcement, text: string) => void;
}

/** Writes this node's sessions of one bucket, one script at a time; what changes meanwhile goes with the next. */
export class BucketWriter {
  readonly #options: WriterOptions;
  readonly #tag = randomBytes(9).toString("base64url");
  readonly #waiting = new Map<string, Change>();
  readonly #sessionIds = new Set<string>();
  #isWriting = false;
  #isRewriting = false;
  #written = Promise.resolve();
  /** Ended sessions were forgotten that Redis may still have under this epoch. */
  #hasForgotten = false;
  #epoch = "";
  /** Of writes under this epoch, and of all. */
  #count = 0;
  #total = 0;
  #acknowledged = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Not all is written again yet that was to be. */
  get isRewriting(): boolean {
    return this.#isRewriting;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  sessionChanged({ sessionId, userId }: LocalSession, seenMs: number): void {
    const key = `s:${sessionId}`;
    const ended = !this.#options.local.has(sessionId);
    if (ended) this.#sessionIds.delete(sessionId);
    else this.#sessionIds.add(sessionId);
    if (ended && this.#isFull()) this.#forget(key);
    else this.#waiting.set(key, { userId, sessionId, seenMs: Math.max(seenMs, this.#waiting.get(key)?.seenMs ?? 0) });
    void this.write();
  }

  profileChanged(userId: string, profileRevision: number): void {
    const key = `p:${userId}`;
    const before = this.#waiting.get(key)?.profileRevision ?? 0;
    if (this.#isFull() && before === 0) return;
    this.#waiting.set(key, { userId, seenMs: 0, profileRevision: Math.max(profileRevision, before) });
    void this.write();
  }

  /** Everything again: what Redis has of this node is another epoch's, or lost. */
  rewrite(): void {
    this.#isRewriting = this.#sessionIds.size > 0;
    for (const sessionId of this.#sessionIds) {
      const session = this.#options.local.get(sessionId);
      if (session !== undefined) this.sessionChanged(session, 0);
    }
  }

  /** The count that Redis must show if it lost nothing; null while that is not certain. */
  expectedCount(epoch: string): string | null {
    const certain = !this.#isWriting && this.#waiting.size === 0 && epoch === this.#epoch && this.#acknowledged > 0;
    return certain ? String(this.#acknowledged) : null;
  }

  /** Until nothing waits, or it cannot be written now: the next renewal of the lease tries again. Never rejects. */
  write(): Promise<void> {
    if (!this.#isWriting) this.#written = this.#writeWaiting();
    return this.#written;
  }

  async #writeWaiting(): Promise<void> {
    this.#isWriting = true;
    let goesOn = true;
    while (goesOn && this.#waiting.size > 0) {
      const { epoch } = this.#options.lease;
      goesOn = epoch !== null && (await this.#writeSome(epoch));
    }
    this.#isWriting = false;
    if (this.#waiting.size === 0) this.#isRewriting = false;
  }

  async #writeSome(epoch: string): Promise<boolean> {
    const { redis, lease, bucket } = this.#options;
    if (epoch !== this.#epoch) this.#beginEpoch(epoch);
    const number = (this.#count += 1);
    const tag = `${this.#tag}-${(this.#total += 1)}`;
    const batch = this.#waiting.entries().take(maxBatch).toArray();
    const { keys, args } = writeCall(
      { bucket, epoch, number, tag, ttls: this.#options.ttls },
      batch.map(([, change]) => this.#words(epoch, change)),
    );
    const reply = await redis.run("write", keys, args);
    if (reply === null) return false;
    const [state, ...rest] = reply;
    if (state === "ended") lease.lost(epoch);
    // Stale: an attempt that had no answer was carried out all the same. The next has a greater number.
    if (state !== "written") return state === "stale";
    this.#acknowledged = number;
    for (const [key, change] of batch) if (this.#waiting.get(key) === change) this.#waiting.delete(key);
    const announcement = rest.length > 0 ? announcementOf(rest) : null;
    if (announcement !== null) this.#options.written(announcement, JSON.stringify(rest));
    if (this.#hasForgotten) lease.lost(epoch);
    return true;
  }

  #beginEpoch(epoch: string): void {
    this.#epoch = epoch;
    this.#count = 0;
    this.#acknowledged = 0;
    this.#hasForgotten = false;
  }

  #forget(key: string): void {
    this.#waiting.delete(key);
    this.#hasForgotten = true;
  }

  #words(epoch: string, { userId, sessionId, seenMs, profileRevision }: Change): UserChange {
    if (sessionId === undefined) return { userId, words: ["profile", "", profileRevision ?? 0, 0] };
    const session = this.#options.local.get(sessionId);
    if (session === undefined) return { userId, words: ["delete", sessionId, "", seenMs] };
    return { userId, words: ["set", sessionId, encodeSession(epoch, session), seenMs] };
  }

  #isFull(): boolean {
    return this.#waiting.size >= this.#sessionIds.size + maxWaitingBeyondSessions;
  }
}

/** Kind, name, value, when seen: as presence-write takes them. */
interface UserChange {
  readonly userId: string;
  readonly words: readonly [string, string, string | number, number];
}

/** After these times what nobody wrote again is gone: of all, and of a user who has no session. */
export type KeyTtls = Pick<BoardTimings, "keyTtlMs" | "offlineTtlMs">;

/** The keys and arguments of presence-write. */
export function writeCall(
  write: { bucket: number; epoch: string; number: number | "end"; tag: string; ttls: KeyTtls },
  changes: readonly UserChange[],
): { keys: string[]; args: (string | number)[] } {
  const { bucket, epoch, number, tag, ttls } = write;
  const userIds = [...new Set(changes.map(({ userId }) => userId))];
  const places = new Map(userIds.map((userId, at) => [userId, at + 1]));
  return {
    keys: [
      bucketKeys.version(bucket),
      bucketKeys.sessions(bucket, epoch),
      bucketKeys.writes(bucket, epoch),
      bucketKeys.epochs(bucket),
      ...userIds.map((userId) => bucketKeys.user(bucket, userId)),
    ],
    args: [
      epoch,
      number,
      tag,
      ttls.keyTtlMs,
      ttls.offlineTtlMs,
      userIds.length,
      ...userIds,
      ...changes.flatMap(({ userId, words }) => [places.get(userId)!, ...words]),
    ],
  };
}
