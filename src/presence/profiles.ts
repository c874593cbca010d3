import type { BoardClock } from "../live/presence-board.clock.ts";
import { noProfile, type Profile } from "./presence-state.ts";
import type { PresenceStore } from "./presence.store.ts";

const usersPerStatement = 1_000;
const retryAfterMs = 1_000;
/** However far away the end is, the wall clock may be set meanwhile. */
const maxSleepMs = 60_000;

type Listener = (userId: string) => void;
type Held = {
  profile: Profile | null;
  /** The moment at which that reading had ended. */
  readAt: number;
  listeners: Set<Listener>;
  callOffEnd: () => void;
};

/**
 * The durable part of the presence of users whom somebody on this node watches. The board says when a profile has changed; in
 * case that was lost, all are compared with the database now and then. A do-not-disturb time that passes is a change.
 */
export class Profiles implements Disposable {
  readonly #store: Pick<PresenceStore, "readProfiles">;
  readonly #clock: BoardClock;
  readonly #onFault: (fault: unknown) => void;
  readonly #held = new Map<string, Held>();
  readonly #due = new Set<string>();
  #isReading = false;
  /** Counts the beginnings and ends of readings. */
  #moment = 0;
  #callOffComparison = () => {};
  #callOffRetry = () => {};

  constructor(options: {
    store: Pick<PresenceStore, "readProfiles">;
    clock: BoardClock;
    onFault: (fault: unknown) => void;
    compareEveryMs?: number;
  }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    const compareEveryMs = options.compareEveryMs ?? 30_000;
    const compare = () => {
      for (const userId of this.#held.keys()) this.refresh(userId);
      this.#callOffComparison = this.#clock.after(compareEveryMs, compare);
    };
    this.#callOffComparison = this.#clock.after(compareEveryMs, compare);
  }

  /** Keeps these users' profiles current until `release`, and tells the listener of changes. Rejects where they cannot be read. */
  async hold(userIds: readonly string[], listener: Listener): Promise<void> {
    const unknown: string[] = [];
    for (const userId of userIds) {
      const held = this.#held.get(userId) ?? { profile: null, readAt: 0, listeners: new Set(), callOffEnd: () => {} };
      this.#held.set(userId, held);
      held.listeners.add(listener);
      if (held.profile === null) unknown.push(userId);
    }
    for (let from = 0; from < unknown.length; from += usersPerStatement)
      await this.#read(unknown.slice(from, from + usersPerStatement));
  }

  release(userIds: Iterable<string>, listener: Listener): void {
    for (const userId of userIds) {
      const held = this.#held.get(userId);
      if (!held?.listeners.delete(listener) || held.listeners.size > 0) continue;
      held.callOffEnd();
      this.#held.delete(userId);
    }
  }

  get(userId: string): Profile {
    return this.#held.get(userId)?.profile ?? noProfile;
  }

  /** The profile, or last-seen, may have changed: it is read again soon, with others. */
  refresh(userId: string): void {
    if (!this.#held.has(userId)) return;
    this.#due.add(userId);
    if (this.#isReading) return;
    this.#isReading = true;
    queueMicrotask(() => void this.#readDue());
  }

  async #readDue(): Promise<void> {
    try {
      while (this.#due.size > 0) {
        const userIds = this.#due.values().take(usersPerStatement).toArray();
        await this.#read(userIds);
        for (const userId of userIds) this.#due.delete(userId);
      }
      this.#isReading = false;
    } catch (fault) {
      this.#onFault(fault);
      this.#callOffRetry = this.#clock.after(retryAfterMs, () => void this.#readDue());
    }
  }

  async #read(userIds: readonly string[]): Promise<void> {
    const beganAt = ++this.#moment;
    const read = await this.#store.readProfiles(userIds);
    const endedAt = ++this.#moment;
    for (const [userId, profile] of read) {
      const held = this.#held.get(userId);
      if (!held) continue;
      // Of two readings at the same time the lesser is the older. One that began later has less where the database went back.
      const isOlder = held.profile !== null && held.profile.revision > profile.revision && beganAt < held.readAt;
      if (isOlder) continue;
      held.readAt = endedAt;
      const isSame = held.profile !== null && JSON.stringify(held.profile) === JSON.stringify(profile);
      held.profile = profile;
      if (isSame) continue;
      this.#awaitEnd(userId, held);
      this.#tell(userId, held);
    }
  }

  #awaitEnd(userId: string, held: Held): void {
    held.callOffEnd();
    const leftMs = (held.profile?.doNotDisturbUntilMs ?? 0) - this.#clock.wallMs();
    if (leftMs <= 0) return;
    held.callOffEnd = this.#clock.after(Math.min(leftMs, maxSleepMs), () => {
      this.#awaitEnd(userId, held);
      this.#tell(userId, held);
    });
  }

  #tell(userId: string, { listeners }: Held): void {
    for (const listener of listeners) listener(userId);
  }

  [Symbol.dispose](): void {
    this.#callOffComparison();
    this.#callOffRetry();
    for (const { callOffEnd } of this.#held.values()) callOffEnd();
    this.#held.clear();
    this.#due.clear();
  }
}
