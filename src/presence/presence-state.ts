import type { Device, PresenceStatus, UserPresence } from "../live/presence-board.ts";

/** What is durable of a user's presence. */
export type Profile = {
  /** Raised with each change of status or time; 0 before the first. */
  revision: number;
  customStatus: string | null;
  /** May be over. */
  doNotDisturbUntilMs: number | null;
  lastSeenMs: number | null;
};

export const noProfile: Profile = { revision: 0, customStatus: null, doNotDisturbUntilMs: null, lastSeenMs: null };

/** A user's presence as it is told. */
export type PresenceState = {
  readonly userId: string;
  readonly status: PresenceStatus;
  /** Null while not OFFLINE. */
  readonly lastSeenMs: number | null;
  readonly devices: readonly Device[];
  /** The latest changed first. Which one a viewer may see is to be asked for each viewer. */
  readonly roomIds: readonly string[];
  readonly customStatus: string | null;
  readonly doNotDisturbUntilMs: number | null;
};

/** What the board and the database know of a user, together. */
export function stateOf(presence: UserPresence, profile: Profile, nowMs: number): PresenceState {
  const { userId, status, devices, roomIds } = presence;
  const { customStatus, doNotDisturbUntilMs: until } = profile;
  const seenMs = Math.max(presence.lastSeenMs ?? 0, profile.lastSeenMs ?? 0);
  return {
    userId,
    status,
    lastSeenMs: status === "OFFLINE" && seenMs > 0 ? seenMs : null,
    devices,
    roomIds,
    customStatus,
    doNotDisturbUntilMs: until !== null && until > nowMs ? until : null,
  };
}

/** For a viewer who shares no room with the user any more. */
export function hiddenState(userId: string): PresenceState {
  return {
    userId,
    status: "OFFLINE",
    lastSeenMs: null,
    devices: [],
    roomIds: [],
    customStatus: null,
    doNotDisturbUntilMs: null,
  };
}

/** Nodes that end sessions of one user at the same time differ in when that was, by less than this. */
const sameTimeMs = 10_000;

/** Whether nobody needs to be told of the difference, the rooms apart. */
export function looksAlike(one: PresenceState, other: PresenceState): boolean {
  return (
    one.status === other.status &&
    one.customStatus === other.customStatus &&
    one.doNotDisturbUntilMs === other.doNotDisturbUntilMs &&
    one.devices.join() === other.devices.join() &&
    Math.abs((one.lastSeenMs ?? 0) - (other.lastSeenMs ?? 0)) < sameTimeMs
  );
}

export const hasSameRooms = (one: PresenceState, other: PresenceState): boolean =>
  one.roomIds.join() === other.roomIds.join();
