import type { Device, SessionState, UserPresence } from "./presence-board.ts";

/** A session as it counts. `changedAtMs` is the time all nodes share. */
export interface CountedSession extends SessionState {
  readonly sessionId: string;
  readonly changedAtMs: number;
}

const devicesInOrder: readonly Device[] = ["WEB", "MOBILE", "DESKTOP"];

/** What the sessions add up to. Does not depend on their order. `seenMs`: 0 where it is not known. */
export function addUp(user: {
  userId: string;
  sessions: readonly CountedSession[];
  seenMs: number;
  profileRevision: number;
}): UserPresence {
  const { userId, profileRevision } = user;
  const visible = user.sessions.filter(isVisible).sort(latestFirst);
  const statuses = new Set(visible.map(({ status }) => status));
  const devices = new Set(visible.map(({ device }) => device));
  const rooms = visible.map(({ roomId }) => roomId).filter((roomId) => roomId !== null);
  const status = (["BUSY", "ONLINE", "AWAY"] as const).find((each) => statuses.has(each)) ?? "OFFLINE";
  return {
    userId,
    status,
    devices: devicesInOrder.filter((device) => devices.has(device)),
    roomIds: [...new Set(rooms)],
    lastSeenMs: status === "OFFLINE" && user.seenMs > 0 ? user.seenMs : null,
    profileRevision,
  };
}

export const isVisible = (session: SessionState): boolean => session.status !== "OFFLINE";

/**
 * Whether nobody needs to be told of the difference. Last-seen alone is none: it moves while the user is OFFLINE only where two
 * nodes ended sessions of one user, and then by what those lie apart.
 */
export function looksAlike(one: UserPresence, other: UserPresence): boolean {
  return (
    one.status === other.status &&
    one.profileRevision === other.profileRevision &&
    one.devices.join() === other.devices.join() &&
    one.roomIds.join() === other.roomIds.join()
  );
}

function latestFirst(one: CountedSession, other: CountedSession): number {
  return other.changedAtMs - one.changedAtMs || (one.sessionId < other.sessionId ? -1 : 1);
}
