import { systemBoardClock } from "./presence-board.clock.ts";
import type { BoardClock } from "./presence-board.clock.ts";
import type { HeardFromOthers, KnownUser, OtherNodes } from "./presence-board.others.ts";
import { RememberedUsers } from "./presence-board.remembered.ts";
import { LocalSessions } from "./presence-board.sessions.ts";
import type { LocalSession } from "./presence-board.sessions.ts";
import { addUp, isVisible } from "./presence-board.sum.ts";
import { defaultBoardLimits, defaultBoardTimings } from "./presence-board.ts";
import type {
  BoardLimits,
  BoardOptions,
  BoardStats,
  BoardTimings,
  NewSession,
  PresenceBoard,
  PresenceReading,
  Seen,
  SessionState,
  UserPresence,
} from "./presence-board.ts";
import { Watches } from "./presence-board.watches.ts";

/** Options with nothing left out. */
export interface BoardSetup extends BoardOptions {
  readonly clock: BoardClock;
  readonly timings: BoardTimings;
  readonly limits: BoardLimits;
}

export function boardSetup(options: BoardOptions): BoardSetup {
  return {
    ...options,
    clock: options.clock ?? systemBoardClock,
    timings: { ...defaultBoardTimings, ...options.timings },
    limits: { ...defaultBoardLimits, ...options.limits },
  };
}

/**
 * The board on one node: its own sessions, which are the truth here whatever the others have been told, and what is known of
 * the other nodes.
 */
export class NodePresenceBoard implements PresenceBoard {
  readonly #setup: BoardSetup;
  readonly #sessions: LocalSessions;
  readonly #watches: Watches;
  readonly #others: OtherNodes;
  readonly #remembered: RememberedUsers;
  readonly #seenListeners = new Set<(seen: Seen) => void>();

  constructor(setup: BoardSetup, openOthers: (heard: HeardFromOthers, local: LocalSessions) => OtherNodes) {
    this.#setup = setup;
    this.#remembered = new RememberedUsers(setup.limits.maxRememberedUsers);
    this.#sessions = new LocalSessions({
      clock: setup.clock,
      nowMs: () => this.#others.nowMs(),
      onChange: this.#changed,
    });
    this.#watches = new Watches({
      maxUsers: setup.limits.maxWatchedUsers,
      presenceOf: (userId) => this.#presenceOf(userId, this.#others.known(userId)),
      know: (userIds) => this.#others.follow(userIds),
      forget: (userIds) => this.#others.unfollow(userIds),
      log: setup.log,
    });
    const heard = { changed: (userId: string) => this.#watches.refresh(userId), seen: this.#seen };
    this.#others = openOthers(heard, this.#sessions);
  }

  open(session: NewSession): "opened" | "full" {
    const { maxSessions } = this.#setup.limits;
    if (this.#sessions.size >= maxSessions && !this.#sessions.has(session.sessionId)) return "full";
    this.#sessions.open(session);
    return "opened";
  }

  update(sessionId: string, change: Partial<SessionState>): boolean {
    return this.#sessions.update(sessionId, change);
  }

  close(sessionId: string, { handover = false } = {}): void {
    const { graceMs, handoverGraceMs } = this.#setup.timings;
    this.#sessions.close(sessionId, handover ? handoverGraceMs : graceMs);
  }

  announceProfile(userId: string, revision: number): void {
    this.#remembered.note(userId, { profileRevision: revision });
    this.#watches.refresh(userId);
    this.#others.profileChanged(userId, revision);
  }

  async read(userIds: Iterable<string>): Promise<PresenceReading> {
    const ids = [...new Set(userIds)];
    const { users: known, complete } = await this.#others.read(ids);
    return { users: new Map(ids.map((userId) => [userId, this.#presenceOf(userId, known.get(userId))])), complete };
  }

  watch(userIds: Iterable<string>, listener: (presence: UserPresence) => void) {
    return this.#watches.open(userIds, listener);
  }

  onSeen(listener: (seen: Seen) => void): () => void {
    this.#seenListeners.add(listener);
    return () => this.#seenListeners.delete(listener);
  }

  usersHere(): Iterable<string> {
    return Iterator.from(this.#sessions.users()).filter((userId) => this.#sessions.ofUser(userId).some(isVisible));
  }

  nodes() {
    return this.#others.nodes();
  }

  drain(): void {
    this.#others.drain();
  }

  get up(): boolean {
    return this.#others.up;
  }

  get stats(): BoardStats {
    return { ...this.#others.stats, sessionsNow: this.#sessions.size, watchedUsersNow: this.#watches.size };
  }

  leave(): Promise<void> {
    this.#sessions.stop();
    return this.#others.leave();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  readonly #changed = (session: LocalSession, seenMs: number): void => {
    const { userId } = session;
    if (seenMs > 0) {
      this.#remembered.note(userId, { seenMs });
      this.#seen({ userId, atMs: seenMs });
    }
    this.#others.changed(session, seenMs);
    this.#watches.refresh(userId);
  };

  readonly #seen = (seen: Seen): void => {
    for (const listener of this.#seenListeners) {
      try {
        listener(seen);
      } catch (error) {
        // One listener's fault hinders no other.
        this.#setup.log.error({ err: error }, "A listener of the presence board failed");
      }
    }
  };

  #presenceOf(userId: string, known: KnownUser | undefined): UserPresence {
    const remembered = this.#remembered.get(userId);
    return addUp({
      userId,
      sessions: [...this.#sessions.ofUser(userId), ...(known?.sessions ?? [])],
      seenMs: Math.max(known?.seenMs ?? 0, remembered.seenMs),
      profileRevision: Math.max(known?.profileRevision ?? 0, remembered.profileRevision),
    });
  }
}
