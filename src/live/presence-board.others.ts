import type { LocalSession } from "./presence-board.sessions.ts";
import type { CountedSession } from "./presence-board.sum.ts";
import type { BoardNode, Seen } from "./presence-board.ts";

/** What is known of a user from elsewhere. */
export interface KnownUser {
  /** On other nodes. */
  readonly sessions: readonly CountedSession[];
  /** 0: not known. */
  readonly seenMs: number;
  readonly profileRevision: number;
}

/**
 * The other nodes, as the presence board of this one deals with them. Nothing here rejects or throws: what cannot be done
 * now is done once it can be.
 */
export interface OtherNodes {
  /** The session is to be seen by the others as it is here, or no more if it is not here. `seenMs`: 0, or when the user was seen. */
  changed(session: LocalSession, seenMs: number): void;
  profileChanged(userId: string, revision: number): void;
  /** From now on `known` says what there is and `onChange` is called with each change; resolves when that is so, or cannot be. */
  follow(userIds: readonly string[]): Promise<void>;
  unfollow(userIds: readonly string[]): void;
  /** Of a user who is followed; undefined while nothing is known. */
  known(userId: string): KnownUser | undefined;
  read(userIds: readonly string[]): Promise<{ users: ReadonlyMap<string, KnownUser>; complete: boolean }>;
  /** Since 1970, by the clock that all nodes share, as well as this one knows it. */
  nowMs(): number;
  nodes(): readonly BoardNode[];
  drain(): void;
  readonly up: boolean;
  readonly stats: { unwrittenNow: number; leaseAgeMsNow: number; epochs: number; gaps: number; endedForOthers: number };
  leave(): Promise<void>;
}

/** What the board wants to hear from the other nodes. */
export interface HeardFromOthers {
  readonly changed: (userId: string) => void;
  readonly seen: (seen: Seen) => void;
}
