import type { BoardClock } from "../live/presence-board.clock.ts";
import type { PresenceBoard } from "../live/presence-board.ts";
import { createLimiter } from "../log/limiter.ts";
import { stateOf, type PresenceState } from "./presence-state.ts";
import type { PresenceStore } from "./presence.store.ts";
import { readTogether } from "./read-together.ts";

/** Who shares rooms with more users gets those of them who were seen last. */
const maxListed = 2_000;
/** At a time, of everybody's. */
const maxReads = 4;

/** A place in the list: who is online comes first, by id; then whoever was, the latest seen first. */
export type OnlinePlace = [lastSeenMs: number, userId: string];
const onlineMs = Number.MAX_SAFE_INTEGER;

export const onlinePlaceOf = ({ status, lastSeenMs, userId }: PresenceState): OnlinePlace => [
  status === "OFFLINE" ? (lastSeenMs ?? 0) : onlineMs,
  userId,
];

/** Users who share a room with the viewer and were online at or after a time; of each page one more than asked for. */
export function createOnlineUsers(use: {
  board: Pick<PresenceBoard, "read">;
  store: Pick<PresenceStore, "readRecent">;
  clock: BoardClock;
}) {
  // It looks at all who share a room with the viewer, who may be very many: one user is to have one running, and all of them few.
  const reads = createLimiter(maxReads);
  const readRecent = readTogether((viewerId) => reads.run(viewerId, () => use.store.readRecent(viewerId, maxListed)));

  return async function onlineUsers(query: {
    viewerId: string;
    sinceMs: number;
    after: OnlinePlace | null;
    limit: number;
  }): Promise<PresenceState[]> {
    const { viewerId, sinceMs, after, limit } = query;
    const recent = await readRecent(viewerId);
    const { users } = await use.board.read(recent.map(({ userId }) => userId));
    const nowMs = use.clock.wallMs();
    return recent
      .map(({ userId, profile }) => stateOf(users.get(userId)!, profile, nowMs))
      .filter(({ status, lastSeenMs }) => status !== "OFFLINE" || (lastSeenMs !== null && lastSeenMs >= sinceMs))
      .map((state) => ({ state, place: onlinePlaceOf(state) }))
      .filter(({ place }) => after === null || compare(after, place) < 0)
      .sort((one, other) => compare(one.place, other.place))
      .slice(0, limit)
      .map(({ state }) => state);
  };
}

function compare([oneMs, one]: OnlinePlace, [otherMs, other]: OnlinePlace): number {
  if (oneMs !== otherMs) return otherMs - oneMs;
  return one === other ? 0 : one < other ? -1 : 1;
}
