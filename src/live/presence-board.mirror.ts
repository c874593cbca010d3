import { isLater, parseVersion } from "./presence-board.announcement.ts";
import type { Announcement, BucketVersion, StoredUser } from "./presence-board.announcement.ts";
import type { BoardClock } from "./presence-board.clock.ts";
import { EarlyVersions } from "./presence-board.early.ts";
import type { BoardTimings } from "./presence-board.ts";

/** So many times `settleMs` are waited for the nodes to write their sessions again. */
const maxSettlings = 10;

interface Followed {
  state: StoredUser | null;
  /** The version of the bucket that the state is of, or later ones that did not touch the user. */
  asOf: BucketVersion | null;
}

export interface BucketReading {
  readonly version: BucketVersion;
  readonly users: ReadonlyMap<string, StoredUser>;
}

export interface MirrorMark {
  readonly version: BucketVersion | null;
  readonly latest: BucketVersion | null;
  readonly born: number;
}

interface MirrorOptions {
  readonly clock: BoardClock;
  readonly timings: BoardTimings;
  /** Starts to hear what is announced of the bucket. Resolves once that is so, or cannot be at present. */
  readonly subscribe: () => { ready: Promise<unknown>; close: () => void };
  /** Null: there was no answer. */
  readonly read: (userIds: readonly string[]) => Promise<BucketReading | null>;
  readonly maxUsersRead: number;
  /** Whether what is missing after a loss may be one that a node has yet to write again. */
  readonly mayBeMissing: () => boolean;
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
  /** Of the versions that anything here is of. */
  #latest: BucketVersion | null = null;
  /** When the bucket began, as far as known; 0: not known, or it has not begun. */
  #born = 0;
  readonly #early = new EarlyVersions();
  #subscription: { ready: Promise<unknown>; close: () => void } | null = null;
  readonly #toLoad = new Set<string>();
  #isLoading = false;
  #loaded = Promise.resolve();
  /** A load had no answer, and not everything was loaded since. */
  #incomplete = false;
  #callOffGapWait: (() => void) | null = null;
  #callOffSettling: (() => void) | null = null;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** What this mirror has at present, to be compared with what Redis then has. */
  get mark(): MirrorMark {
    return { version: this.#version, latest: this.#latest, born: this.#born };
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
    this.#latest = null;
    this.#born = 0;
    this.#early.clear();
    this.#toLoad.clear();
    this.#incomplete = false;
    this.#endGapWait();
    this.#callOffSettling?.();
    this.#callOffSettling = null;
  }

  take({ previous, version, users }: Announcement): void {
    if (version.born < this.#born || !this.isFollowed) return;
    this.#learnBorn(version);
    for (const [userId, state] of users) this.#takeUser(userId, state, version);
    if (this.#callOffSettling !== null) return;
    this.#early.add(previous, version);
    this.#advance();
  }

  /** `text` is the version that Redis had at some time after this mirror had the mark `asked`. */
  compare(text: unknown, asked: MirrorMark): void {
    if (!this.isFollowed || this.#isLoading || this.#callOffSettling !== null) return;
    const theirs = parseVersion(text);
    if (this.#version === null || theirs === null || this.#incomplete) return void this.#loadAll();
    // Meanwhile there was other news than can be compared: the next time will do.
    if (asked.version === null || asked.latest === null || asked.born !== this.#born) return;
    this.#learnBorn(theirs);
    if (this.#callOffSettling !== null) return;
    // Redis went back: a replica took over that had not heard the last of it.
    const isAhead = (known: BucketVersion) => theirs.text !== known.text && !isLater(theirs, known);
    if (isAhead(asked.version) || isAhead(asked.latest)) return void this.#loadAll();
    // Its announcement may be on the way.
    if (isLater(theirs, asked.version)) this.#early.expect(theirs);
    this.#advance();
  }

  #takeUser(userId: string, state: StoredUser, version: BucketVersion): void {
    const user = this.#users.get(userId);
    if (user === undefined || (user.asOf !== null && isLater(user.asOf, version))) return;
    user.state = this.#callOffSettling !== null && user.state !== null ? united(user.state, state) : state;
    user.asOf = version;
    if (this.#latest === null || isLater(version, this.#latest)) this.#latest = version;
    this.#options.changed(userId);
  }

  /** As far as the announcements reach without a gap. */
  #advance(): void {
    if (this.#version === null) return;
    this.#version = this.#early.follow(this.#version);
    if (this.#early.isEmpty) this.#endGapWait();
    else if (!this.#isLoading) this.#waitForGap();
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
   * A bucket that began at another time was lost and begins anew. The nodes, which find that out within `compareEveryMs`, write
   * their sessions again: until they have, though not for ever, what is missing is not taken for ended.
   */
  #learnBorn({ born }: BucketVersion): void {
    const lost = this.#born > 0 && born !== this.#born;
    this.#born = born;
    if (!lost) return;
    this.#version = null;
    this.#latest = null;
    this.#early.clear();
    this.#endGapWait();
    for (const user of this.#users.values()) user.asOf = null;
    if (this.#callOffSettling === null) this.#settle(maxSettlings);
  }

  #settle(left: number): void {
    this.#callOffSettling = this.#options.clock.after(this.#options.timings.settleMs, () => {
      if (left > 1 && this.#options.mayBeMissing()) return this.#settle(left - 1);
      this.#callOffSettling = null;
      void this.#loadAll();
    });
  }

  #loadAll(): Promise<void> {
    this.#incomplete = false;
    this.#version = null;
    this.#latest = null;
    this.#early.clear();
    return this.#load(this.#users.keys());
  }

  #load(userIds: Iterable<string>): Promise<void> {
    for (const userId of userIds) this.#toLoad.add(userId);
    if (!this.#isLoading) this.#loaded = this.#loadWanted();
    return this.#loaded;
  }

  async #loadWanted(): Promise<void> {
    this.#isLoading = true;
    while (this.#toLoad.size > 0) await this.#loadSome();
    this.#isLoading = false;
    this.#advance();
  }

  async #loadSome(): Promise<void> {
    const userIds = this.#toLoad.values().take(this.#options.maxUsersRead).toArray();
    for (const userId of userIds) this.#toLoad.delete(userId);
    const before = { born: this.#born, asOf: new Map(userIds.map((id) => [id, this.#users.get(id)?.asOf])) };
    const reading = await this.#options.read(userIds);
    if (reading === null) {
      this.#incomplete = true;
      this.#toLoad.clear();
    } else if (this.isFollowed) this.#takeReading(reading, before);
  }

  /** `before` is what was known when it was asked for. */
  #takeReading({ version, users }: BucketReading, before: { born: number; asOf: ReadonlyMap<string, unknown> }): void {
    // Where it says the same as before, it may have been read before what came meanwhile.
    if (version.born !== before.born) this.#learnBorn(version);
    for (const [userId, state] of users) {
      const user = this.#users.get(userId);
      // What was known then is older, even where Redis went back; what came meanwhile may be later.
      if (user !== undefined && user.asOf === before.asOf.get(userId)) user.asOf = null;
      this.#takeUser(userId, state, version);
    }
    // The first is the earliest: all others are read later.
    if (this.#callOffSettling === null) this.#version ??= version;
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
