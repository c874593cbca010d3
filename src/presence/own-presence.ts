import { invalid, notFound, rateLimited } from "../errors.ts";
import { checkText } from "../text.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { Device, PresenceBoard, PresenceStatus, SessionState } from "../live/presence-board.ts";
import { isId } from "../log/ids.ts";
import type { RoomsStore } from "../rooms/rooms.store.ts";
import type { CurrentRooms, Place } from "./current-rooms.ts";
import type { LastSeen } from "./last-seen.ts";
import type { Profile } from "./presence-state.ts";
import type { PresenceStore, ProfileChange } from "./presence.store.ts";

export const statuses = ["ONLINE", "AWAY", "BUSY", "OFFLINE"] as const;
export const devices = ["WEB", "MOBILE", "DESKTOP"] as const;
const maxStatusCharacters = 100;
const fullRetryAfterMs = 10_000;

/** What is undefined stays, null clears. */
export type SetPresenceInput = {
  status?: PresenceStatus | null;
  device?: Device | null;
  currentRoomId?: string | null;
  customStatus?: string | null;
  doNotDisturbUntil?: number | null;
};

export type OwnPresenceUse = {
  board: Pick<PresenceBoard, "open" | "update" | "close" | "announceProfile" | "drain">;
  store: Pick<PresenceStore, "saveProfile" | "readProfiles">;
  rooms: Pick<RoomsStore, "readMembers">;
  currentRooms: CurrentRooms;
  lastSeen: Pick<LastSeen, "note">;
  clock: BoardClock;
};

/** What users say of themselves: a session for each of this node's connections, and what is kept of the user. */
export function createOwnPresence({ board, store, rooms, currentRooms, lastSeen, clock }: OwnPresenceUse) {
  /** Of open connections, what their clients are. */
  const deviceOf = new Map<string, Device>();
  let isDraining = false;

  /** A connection was acknowledged. What its client says of itself is in `params`; what makes no sense is passed over. */
  function opened(connection: { id: string; userId: string; params: Readonly<Record<string, unknown>> }): void {
    const { id: sessionId, userId, params } = connection;
    const device = devices.find((each) => each === params.device) ?? "WEB";
    const status = statuses.find((each) => each === params.status) ?? "ONLINE";
    if (board.open({ sessionId, userId, status, device, roomId: null }) === "full") return;
    deviceOf.set(sessionId, device);
    seen(userId, status);
  }

  /** Others may see the user a few seconds longer. */
  function closed(sessionId: string): void {
    currentRooms.leave(sessionId);
    if (deviceOf.delete(sessionId)) board.close(sessionId, { handover: isDraining });
  }

  /** Clients are about to be sent to other nodes. */
  function drain(): void {
    isDraining = true;
    board.drain();
  }

  /**
   * Of the calling connection, null over HTTP. Resolves to the user's profile; where something is refused nothing changes.
   * @throws Refusal INVALID, NOT_FOUND (a room that the user is not in), RATE_LIMITED
   */
  async function set(userId: string, sessionId: string | null, input: SetPresenceInput): Promise<Profile> {
    const profileChange = checkedProfile(input, clock.wallMs());
    const sessionChange = checkedSession(input, sessionId);
    const { currentRoomId } = input;
    const isPlaced = typeof currentRoomId === "string" && sessionId !== null;
    const place = isPlaced ? await reserve({ sessionId, userId, roomId: currentRoomId }) : null;
    try {
      const profile = await saveProfile(userId, profileChange);
      if (sessionId !== null && sessionChange) update({ sessionId, userId }, sessionChange, place);
      return profile;
    } finally {
      if (place && !currentRooms.isTaken(place)) currentRooms.giveUp(place);
    }
  }

  async function reserve(place: Place): Promise<Place> {
    await requireMember(place);
    await currentRooms.reserve(place);
    try {
      // Once more: a removal before this node followed the room was noticed by nobody.
      await requireMember(place);
      return place;
    } catch (fault) {
      currentRooms.giveUp(place);
      throw fault;
    }
  }

  async function requireMember({ roomId, userId }: Place): Promise<void> {
    const members = isId(roomId) ? await rooms.readMembers([{ roomId, userId }]) : [];
    if (members.length === 0) throw notFound("room", ["currentRoomId"]);
  }

  async function saveProfile(userId: string, change: ProfileChange): Promise<Profile> {
    if (Object.values(change).every((value) => value === undefined))
      return (await store.readProfiles([userId])).get(userId)!;
    const profile = await store.saveProfile(userId, change);
    board.announceProfile(userId, profile.revision);
    return profile;
  }

  function update(session: { sessionId: string; userId: string }, change: Change, place: Place | null): void {
    const { sessionId, userId } = session;
    const device = change.device === null ? deviceOf.get(sessionId) : change.device;
    if (place && !currentRooms.take(place)) throw notFound("room", ["currentRoomId"]);
    if (change.roomId === null) currentRooms.leave(sessionId);
    if (board.update(sessionId, { ...change, device })) return seen(userId, change.status);
    currentRooms.leave(sessionId);
    // Either it is closed, and nobody waits for this answer, or it never was on the board.
    throw rateLimited(fullRetryAfterMs);
  }

  function seen(userId: string, status: PresenceStatus | undefined): void {
    if (status !== undefined && status !== "OFFLINE") lastSeen.note({ userId, atMs: clock.wallMs() });
  }

  return { opened, closed, drain, set };
}

/** `device` null: what the connection began with. */
type Change = Partial<Omit<SessionState, "device">> & { device?: Device | null };

/** Null where nothing of the connection is to change. @throws Refusal INVALID over HTTP */
function checkedSession(input: SetPresenceInput, sessionId: string | null): Change | null {
  const given = (["status", "device", "currentRoomId"] as const).filter((name) => input[name] !== undefined);
  if (given.length === 0) return null;
  if (sessionId === null)
    throw invalid("This is of a connection: set it over the WebSocket that it is meant for.", [given[0]!]);
  const { status, device, currentRoomId } = input;
  return { status: status === null ? "ONLINE" : status, device, roomId: currentRoomId };
}

/** @throws Refusal INVALID */
function checkedProfile({ customStatus, doNotDisturbUntil }: SetPresenceInput, nowMs: number): ProfileChange {
  if (typeof customStatus === "string") {
    checkText(customStatus, { name: "customStatus", max: maxStatusCharacters });
    if (/\p{Cc}/u.test(customStatus)) throw invalid("`customStatus` has control characters.", ["customStatus"]);
  }
  // What is over already is as good as none.
  const isOver = typeof doNotDisturbUntil === "number" && doNotDisturbUntil <= nowMs;
  return { customStatus, doNotDisturbUntilMs: isOver ? null : doNotDisturbUntil };
}
