import type { Logger } from "pino";
import type { BoardClock } from "./presence-board.clock.ts";

export type PresenceStatus = "ONLINE" | "AWAY" | "BUSY" | "OFFLINE";
export type Device = "WEB" | "MOBILE" | "DESKTOP";

/** What one connection says of itself. `OFFLINE`: the user wants to be taken for offline as far as this connection goes. */
export interface SessionState {
  readonly status: PresenceStatus;
  readonly device: Device;
  readonly roomId: string | null;
}

/** `sessionId` is made by the server, without spaces, and is never used twice, on any node (a UUID). */
export interface NewSession extends SessionState {
  readonly sessionId: string;
  readonly userId: string;
}

/** What all sessions of a user, on all nodes, add up to. */
export interface UserPresence {
  readonly userId: string;
  /** BUSY if any session says so, else ONLINE, else AWAY, else OFFLINE. */
  readonly status: PresenceStatus;
  /** Of the sessions that are not OFFLINE: each once, in the order WEB, MOBILE, DESKTOP. */
  readonly devices: readonly Device[];
  /** Of the sessions that are not OFFLINE: each once, the latest changed first. Whoever shows one knows who may see it. */
  readonly roomIds: readonly string[];
  /** When the user was last not OFFLINE. Null while not OFFLINE, and where the board does not remember: the database does. */
  readonly lastSeenMs: number | null;
  /** The greatest that `announceProfile` gave, 0 where the board does not remember. */
  readonly profileRevision: number;
}

export interface PresenceReading {
  /** One for each of the users asked for. */
  readonly users: ReadonlyMap<string, UserPresence>;
  /** False: other nodes' sessions could not be asked for, and count as far as this node knows them. */
  readonly complete: boolean;
}

export interface PresenceWatch {
  /** As known now, which nothing that the listener was or will be told is older than. Without `userIds`: of all watched. */
  current(userIds?: Iterable<string>): UserPresence[];
  /** As `watch`: once it resolves, these users' state is known. Their state as such is not told to the listener. */
  add(userIds: Iterable<string>): Promise<"watching" | "full">;
  /** The listener hears no more of these users. */
  remove(userIds: Iterable<string>): void;
  /** The listener hears nothing more. May be called repeatedly. */
  close(): void;
}

/** The user was not OFFLINE until then, by a session that ended, or went OFFLINE, on this node or was ended by it for a dead one. */
export interface Seen {
  readonly userId: string;
  readonly atMs: number;
}

/** A live node. */
export interface BoardNode {
  readonly nodeId: string;
  /** Where clients reach it; null where it did not say. */
  readonly url: string | null;
}

/**
 * Who is here: the sessions of all nodes, added up by user. It knows users, sessions and nodes; who may see whom is not its
 * concern.
 *
 * Guarantees:
 * - What happens on this node counts at once here, whether or not the other nodes can be reached, and reaches them, or the
 *   whole state does, as soon as they can. Nothing waits for them and nothing throws for their sake.
 * - Once sessions stop changing, all nodes that can reach each other show the same.
 * - A session that was closed stays for a grace, so nobody sees a user who is back within it.
 * - The sessions of a node that died, or is out of reach, end within a lease and one renewal interval, and with an interruption
 *   of what is between the nodes none do.
 * - It is soft state: last-seen and profiles are durable elsewhere. `onSeen` and `announceProfile` tie the two together.
 */
export interface PresenceBoard extends AsyncDisposable {
  /** "full": this node holds `maxSessions`, and the session does not count. A session that is there already is updated. */
  open(session: NewSession): "opened" | "full";
  /** What is left out stays. False: there is no such session, or it was closed. */
  update(sessionId: string, change: Partial<SessionState>): boolean;
  /**
   * The session counts for `graceMs` more; with `handover`, because the client was sent to another node, for
   * `handoverGraceMs`. What there is none of is passed over.
   */
  close(sessionId: string, options?: { handover?: boolean }): void;
  /** Tells those who watch this user, on all nodes, that the profile has this revision. A lesser one changes nothing. */
  announceProfile(userId: string, revision: number): void;
  read(userIds: Iterable<string>): Promise<PresenceReading>;
  /**
   * Calls the listener with each change of these users' presence, once what they add up to differs. Resolves when their state is
   * known, or after some seconds if it cannot be; then it is told once it is, where it differs. "full": this node watches
   * `maxWatchedUsers`, and nothing was added.
   */
  watch(userIds: Iterable<string>, listener: (presence: UserPresence) => void): Promise<PresenceWatch | "full">;
  /**
   * Called with each `Seen`, at most once: where an answer of Redis was lost, not at all. So whoever keeps last-seen durable also
   * refreshes it now and then for `usersHere`. Returns how to stop being called.
   */
  onSeen(listener: (seen: Seen) => void): () => void;
  /** Users with a session on this node that is not OFFLINE: whose durable last-seen this node keeps fresh. */
  usersHere(): Iterable<string>;
  /** The live nodes that are not draining, as last known; by `nodeId`. */
  nodes(): readonly BoardNode[];
  /** This node is no longer among `nodes`, on any node. Its sessions stay. */
  drain(): void;
  /** Whether the other nodes can be reached, as far as known. */
  readonly up: boolean;
  readonly stats: BoardStats;
  /**
   * Leaves this node's sessions to count until its lease runs out, so that clients can be back elsewhere first. Waits for Redis
   * no longer than a few `answerWithinMs`. Never rejects.
   */
  leave(): Promise<void>;
}

/** For metrics. Counters since the start, unless `now`. */
export interface BoardStats {
  readonly sessionsNow: number;
  readonly watchedUsersNow: number;
  /** Changes that other nodes do not know yet. */
  readonly unwrittenNow: number;
  /** Since the lease was last renewed; 0 where there is none. */
  readonly leaseAgeMsNow: number;
  /** Leases taken: one, and one more each time that it was lost. */
  readonly epochs: number;
  /** Announcements found to be missing, or out of turn for too long. */
  readonly gaps: number;
  /** Sessions ended for nodes that died. */
  readonly endedForOthers: number;
}

export interface BoardLimits {
  /** Sessions of this node. Beyond: `open` says "full". */
  readonly maxSessions: number;
  /** Users watched on this node, each counted once. Beyond: `watch` and `add` say "full". */
  readonly maxWatchedUsers: number;
  /** Users whose last-seen and profile revision this node remembers itself. Beyond: the least recent are forgotten. */
  readonly maxRememberedUsers: number;
}

export const defaultBoardLimits: BoardLimits = {
  maxSessions: 200_000,
  maxWatchedUsers: 1_000_000,
  maxRememberedUsers: 100_000,
};

export interface BoardTimings {
  readonly graceMs: number;
  readonly handoverGraceMs: number;
  /**
   * At least `renewEveryMs` twice and `answerWithinMs`: then a Redis that stood still for so long that leases ran out has left a
   * renewal of every node without an answer, and nobody ends anything.
   */
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** How long an answer of Redis is waited for. */
  readonly answerWithinMs: number;
  /** How often versions are compared, and so how long a lost announcement, or a lost write, goes unnoticed. */
  readonly compareEveryMs: number;
  /** How long an announcement that came too early waits for the one before it. */
  readonly gapWaitMs: number;
  /**
   * How long after a loss of data in Redis a missing session is not taken for an ended one, as the nodes are writing theirs again;
   * up to ten times as long, if one says that it still is. More than `compareEveryMs`.
   */
  readonly settleMs: number;
  /** After this time everything that nobody wrote again is gone from Redis. */
  readonly keyTtlMs: number;
  /** The same of a user who has no session: last-seen and profile are durable elsewhere, and who is erased must not stay here. */
  readonly offlineTtlMs: number;
}

export const defaultBoardTimings: BoardTimings = {
  graceMs: 5_000,
  handoverGraceMs: 10_000,
  leaseMs: 6_000,
  renewEveryMs: 2_000,
  answerWithinMs: 1_500,
  compareEveryMs: 5_000,
  gapWaitMs: 100,
  settleMs: 6_000,
  keyTtlMs: 86_400_000,
  offlineTtlMs: 300_000,
};

/** What boards of both kinds are opened with. Times and limits left out are the defaults. */
export interface BoardOptions {
  readonly node: BoardNode;
  readonly clock?: BoardClock;
  readonly timings?: Partial<BoardTimings>;
  readonly limits?: Partial<BoardLimits>;
  readonly log: Logger;
}
