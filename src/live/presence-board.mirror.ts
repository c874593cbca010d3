import { isLater, parseVersion } from "./presence-board.announcement.ts";
import type { Announcement, BucketVersion, StoredUser } from "./presence-board.announcement.ts";
import type { BoardClock } from "./presence-board.clock.ts";
import { EarlyVersions } from "./presence-board.early.ts";
import type { BoardTimings } from "./presence-board.ts";

/** One script reads at most this many users, so that nobody else in Redis waits long. */
export const maxUsersRead = 256;

interface Followed {
  state: StoredUser | null;
  /** The version of the bucket that the state is of, or later ones that did not touch the user. */
  asOf: BucketVersion | null;
}

export interface BucketReading {
  readonly version: BucketVersion;
  readonly users: ReadonlyMap<string, StoredUser>;
}

interface MirrorOptions {
  readonly clock: BoardClock;
  readonly timings: BoardTimings;
  /** Starts to hear what is announced of the bucket. Resolves once that is so, or cannot be at present. */
  readonly subscribe: () => { ready: Promise<unknown>; close: () => void };
  /** Null: there was no answer. At most `maxUsersRead` at once. */
  readonly read: (userIds: readonly string[]) => Promise<BucketReading | null>;
  readonly changed: (userId: string) => void;
  readonly gapFound: () => void;
}

/**
 * What this node knows of a bucket: the users that are watched here. Each announcement names the version before it, so a
 * missing one is seen with the next, and by comparing where there is no next. A user's state is only ever replaced by a later
 * one, in whatever order the news come.
 */
export class BucketMirror {
  readonly #options: MirrorOptions;
  readonly #users = new Map<string, Followed>();
  /** Every followed user is as of this version or a later one. Null: not known; all are, or will be, loaded. */
  #version: BucketVersion | null = null;
  readonly #early = new EarlyVersions();
  #subscription: { ready: Promise<unknown>; close: () => void } | null = null;
  readonly #toLoad = new Set<string>();
  #loading: Promise<void> | null = null;
  /** A load had no answer, and not everything was loaded since. */
  #incomplete = false;
  #callOffGapWait: (() => void) | null = null;
  #callOffSettling: (() => void) | null = null;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  get version(): BucketVersion | null {
    return this.#version;
  }

  get isFollowed(): boolean {
    return this.#users.size > 0;
  }

  /** Undefined: not followed, or not loaded. */
  get(userId: string): StoredUser | undefined {
    return this.#users.get(userId)?.state ?? undefined;
  }

  async follow(userIds: readonly string[]): Promise<void> {
    for (const userId of userIds) {
      if (!this.#users.has(userId)) this.#users.set(userId, { state: null, asOf: null });
    }
    this.#subscription ??= this.#options.subscribe();
    // What is announced between the reading and the subscription would be missed.
    await this.#subscription.ready;
    const unknown = userIds.filter((userId) => this.#users.get(userId)?.state === null);
    if (unknown.length > 0) await this.#load(unknown);
  }

  unfollow(userIds: readonly string[]): void {
    for (const userId of userIds) this.#users.delete(userId);
    if (this.#users.size > 0) return;
    this.close();
  }

  close(): void {
    this.#users.clear();
    this.#subscription?.close();
    this.#subscription = null;
    this.#version = null;
    this.#early.clear();
    this.#toLoad.clear();
    this.#incomplete = false;
    this.#endGapWait();
    this.#callOffSettling?.();
    this.#callOffSettling = null;
  }

  take({ previous, version, users }: Announcement): void {
    const ours = this.#version;
    if (ours !== null && ours.born > 0 && version.born < ours.born) return;
    if (ours !== null && ours.born > 0 && version.born > ours.born) this.#settle();
    for (const [userId, state] of users) this.#takeUser(userId, state, version);
    if (this.#callOffSettling !== null || !this.isFollowed) return;
    this.#early.add(previous, version);
    this.#advance();
  }

  /** `text` is the version that Redis had at some time after this mirror had the version `asked`. */
  compare(text: unknown, asked: BucketVersion | null): void {
    if (!this.isFollowed || this.#loading !== null || this.#callOffSettling !== null) return;
    const theirs = parseVersion(text);
    if (asked === null || theirs === null || this.#incomplete) return void this.#loadAll();
    if (theirs.text === asked.text) return;
    if (asked.born > 0 && theirs.born !== asked.born) return this.#settle();
    if (isLater(theirs, asked)) {
      // Its announcement may be on the way.
      this.#early.expect(theirs);
      return this.#advance();
    }
    // Redis went back: a replica took over that had not heard the last of it.
    for (const user of this.#users.values()) user.asOf = null;
    void this.#loadAll();
  }

  #takeUser(userId: string, state: StoredUser, version: BucketVersion): void {
    const user = this.#users.get(userId);
    if (user === undefined || (user.asOf !== null && isLater(user.asOf, version))) return;
    user.state = this.#callOffSettling !== null && user.state !== null ? united(user.state, state) : state;
    user.asOf = version;
    this.#options.changed(userId);
  }

  /** As far as the announcements reach without a gap. */
  #advance(): void {
    if (this.#version === null) return;
    this.#version = this.#early.follow(this.#version);
    if (this.#early.isEmpty) this.#endGapWait();
    else if (this.#loading === null) this.#waitForGap();
  }

  #waitForGap(): void {
    this.#callOffGapWait ??= this.#options.clock.after(this.#options.timings.gapWaitMs, () => {
      this.#callOffGapWait = null;
      this.#options.gapFound();
      void this.#loadAll();
    });
  }

  #endGapWait(): void {
    this.#callOffGapWait?.();
    this.#callOffGapWait = null;
  }

  /**
   * The bucket was lost and begins anew. The nodes, which find that out within `compareEveryMs`, write their sessions again:
   * until they have, what is missing is not taken for ended.
   */
  #settle(): void {
    this.#version = null;
    this.#early.clear();
    this.#endGapWait();
    for (const user of this.#users.values()) user.asOf = null;
    this.#callOffSettling ??= this.#options.clock.after(this.#options.timings.settleMs, () => {
      this.#callOffSettling = null;
      void this.#loadAll();
    });
  }

  #loadAll(): Promise<void> {
    this.#incomplete = false;
    this.#version = null;
    this.#early.clear();
    return this.#load(this.#users.keys());
  }

  #load(userIds: Iterable<string>): Promise<void> {
    for (const userId of userIds) this.#toLoad.add(userId);
    this.#loading ??= this.#loadWanted().finally(() => {
      this.#loading = null;
      this.#advance();
    });
    return this.#loading;
  }

  async #loadWanted(): Promise<void> {
    while (this.#toLoad.size > 0) {
      const userIds = this.#toLoad.values().take(maxUsersRead).toArray();
      for (const userId of userIds) this.#toLoad.delete(userId);
      const reading = await this.#options.read(userIds);
      if (reading === null) {
        this.#incomplete = true;
        return this.#toLoad.clear();
      }
      for (const [userId, state] of reading.users) this.#takeUser(userId, state, reading.version);
      // The first is the earliest: all others are read later.
      if (this.isFollowed && this.#callOffSettling === null) this.#version ??= reading.version;
    }
  }
}

/** The sessions of both; of one that both have, the later state. */
function united(before: StoredUser, after: StoredUser): StoredUser {
  const sessions = new Map([...before.sessions, ...after.sessions].map((session) => [session.sessionId, session]));
  return {
    sessions: [...sessions.values()],
    seenMs: Math.max(before.seenMs, after.seenMs),
    profileRevision: Math.max(before.profileRevision, after.profileRevision),
  };
}
