import { rateLimited } from "../errors.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { PresenceBoard, PresenceStatus, PresenceWatch, UserPresence } from "../live/presence-board.ts";
import { hasSameRooms, looksAlike, stateOf, type PresenceState } from "./presence-state.ts";
import type { Profiles } from "./profiles.ts";

/** Changes of this time are told together. */
export const gatherMs = 200;
const fullRetryAfterMs = 10_000;

export type AudienceUse = { board: PresenceBoard; profiles: Profiles; clock: BoardClock };

/** A user's state as it was told, and the one told before it. */
export type Told = {
  readonly state: PresenceState;
  readonly version: number;
  /** Null: there was none, or the user was taken out and in again. */
  readonly before: { state: PresenceState; version: number } | null;
};

/**
 * Users who are watched together, and what is told of them, for any number of subscribers. What they have not been given yet
 * follows from the version that they have, so nothing is kept for each.
 */
export class Audience implements Disposable {
  readonly #use: AudienceUse;
  readonly #onChange: () => void;
  readonly #told = new Map<string, Told>();
  readonly #members = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #suspended = new Set<string>();
  #watch: PresenceWatch | null = null;
  #version = 0;
  #latest: { after: number; entries: readonly Told[] } | null = null;
  #callOffTick: (() => void) | null = null;
  #isClosed = false;

  private constructor(use: AudienceUse, onChange: () => void) {
    this.#use = use;
    this.#onChange = onChange;
  }

  /** Of nobody yet. `onChange` is called when there is a new version. @throws Refusal RATE_LIMITED */
  static async open(use: AudienceUse, onChange: () => void): Promise<Audience> {
    const audience = new Audience(use, onChange);
    const watch = await use.board.watch([], audience.#presenceChanged);
    if (watch === "full") throw rateLimited(fullRetryAfterMs);
    audience.#watch = watch;
    return audience;
  }

  get version(): number {
    return this.#version;
  }

  get userIds(): Iterable<string> {
    return this.#members;
  }

  has(userId: string): boolean {
    return this.#members.has(userId);
  }

  /** All that was told after this version, as it is now; -1: of all users. */
  since(version: number): readonly Told[] {
    if (version >= this.#version) return [];
    if (this.#latest?.after === version) return this.#latest.entries;
    return [...this.#told.values()].filter((told) => told.version > version);
  }

  /**
   * Once it resolves their states are known, and are told with the next version.
   * @throws Refusal RATE_LIMITED where the node watches as many users as it can
   */
  async add(userIds: readonly string[]): Promise<void> {
    const added = userIds.filter((userId) => !this.#members.has(userId));
    if (added.length === 0 || this.#isClosed) return;
    for (const userId of added) this.#members.add(userId);
    try {
      const { profiles } = this.#use;
      const [outcome] = await Promise.all([this.#watch!.add(added), profiles.hold(added, this.#profileChanged)]);
      if (outcome === "full") throw rateLimited(fullRetryAfterMs);
    } catch (fault) {
      this.remove(added);
      throw fault;
    }
    for (const userId of added) this.#mark(userId);
  }

  /** Nothing more is told of them, from now on. */
  remove(userIds: Iterable<string>): void {
    const removed = [...userIds].filter((userId) => this.#members.delete(userId));
    if (removed.length === 0) return;
    for (const userId of removed) {
      this.#told.delete(userId);
      this.#changed.delete(userId);
      this.#suspended.delete(userId);
    }
    this.#latest = null;
    this.#watch?.remove(removed);
    this.#use.profiles.release(removed, this.#profileChanged);
  }

  /** What changes is not told, until `resume`. */
  suspend(userIds: Iterable<string>): void {
    for (const userId of userIds) if (this.#members.has(userId)) this.#suspended.add(userId);
  }

  /** All but these. */
  resume(except: ReadonlySet<string>): void {
    for (const userId of this.#suspended) if (!except.has(userId)) this.#suspended.delete(userId);
    if (this.#changed.size > 0) this.#tickSoon();
  }

  /** Makes a version of what has changed, now. */
  tell(): void {
    this.#tick();
    this.#onChange();
  }

  /** As if there were something to tell. */
  tellSoon(): void {
    this.#tickSoon();
  }

  readonly #presenceChanged = ({ userId }: UserPresence): void => this.#mark(userId);
  readonly #profileChanged = (userId: string): void => this.#mark(userId);

  #mark(userId: string): void {
    if (!this.#members.has(userId)) return;
    this.#changed.add(userId);
    if (!this.#suspended.has(userId)) this.#tickSoon();
  }

  #tickSoon(): void {
    if (this.#isClosed) return;
    this.#callOffTick ??= this.#use.clock.after(gatherMs, () => this.tell());
  }

  #tick(): void {
    this.#callOffTick?.();
    this.#callOffTick = null;
    const due = [...this.#changed].filter((userId) => !this.#suspended.has(userId));
    const version = this.#version + 1;
    const entries: Told[] = [];
    for (const presence of this.#watch?.current(due) ?? []) {
      const { userId } = presence;
      this.#changed.delete(userId);
      const told = this.#told.get(userId);
      const state = this.#stateOf(presence, told?.state.status);
      if (told && looksAlike(told.state, state) && hasSameRooms(told.state, state)) {
        // For those who come later.
        this.#told.set(userId, { ...told, state });
        continue;
      }
      const entry = { state, version, before: told ? { state: told.state, version: told.version } : null };
      this.#told.set(userId, entry);
      entries.push(entry);
    }
    if (entries.length === 0) return;
    this.#latest = { after: this.#version, entries };
    this.#version = version;
  }

  #stateOf(presence: UserPresence, before: PresenceStatus | undefined): PresenceState {
    const { profiles, clock } = this.#use;
    const { userId, profileRevision, status, lastSeenMs } = presence;
    const profile = profiles.get(userId);
    // The database knows. What comes of it is a change of the profile.
    const isForgotten = status === "OFFLINE" && lastSeenMs === null && before !== undefined && before !== "OFFLINE";
    if (isForgotten || profileRevision > profile.revision) profiles.refresh(userId);
    return stateOf(presence, profile, clock.wallMs());
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#callOffTick?.();
    this.remove([...this.#members]);
    this.#watch?.close();
  }
}
