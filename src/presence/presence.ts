import DataLoader from "dataloader";
import { isUserId } from "../accounts/user-id.ts";
import { invalid, notFound, Refusal } from "../errors.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { PresenceBoard } from "../live/presence-board.ts";
import type { Hub } from "../log/hub.ts";
import { isId } from "../log/ids.ts";
import type { RoomOfUser, RoomsStore } from "../rooms/rooms.store.ts";
import { Circle } from "./circle.ts";
import { CurrentRooms } from "./current-rooms.ts";
import { LastSeen } from "./last-seen.ts";
import { createOnlineUsers } from "./online-users.ts";
import { createOwnPresence, type SetPresenceInput } from "./own-presence.ts";
import { stateOf, type PresenceState } from "./presence-state.ts";
import { sightKey, type PresenceStore, type Sight } from "./presence.store.ts";
import { Profiles } from "./profiles.ts";
import { RoomAudience } from "./room-audience.ts";
import { Shared } from "./shared.ts";
import { UserAudience } from "./user-audience.ts";

/** Of one query or subscription. */
const maxUserIds = 500;
/** Of all of a viewer's subscriptions on this node, each counted in each. */
const maxFollowedByViewer = 5_000;

export type Presence = ReturnType<typeof createPresence>;
export type PresenceUse = {
  board: PresenceBoard;
  store: PresenceStore;
  rooms: Pick<RoomsStore, "readMembers">;
  hub: Hub;
  clock: BoardClock;
  onFault: (fault: unknown) => void;
};

/** Who is here, as far as a viewer may know: users who share a room, and oneself. */
export function createPresence(use: PresenceUse) {
  const { board, store, hub, clock } = use;
  const profiles = new Profiles(use);
  const lastSeen = new LastSeen(use);
  const currentRooms = new CurrentRooms(use);
  const own = createOwnPresence({ ...use, currentRooms, lastSeen });
  const audienceUse = { ...use, profiles, visibleRoom };
  const roomAudiences = new Shared((roomId) => RoomAudience.open(roomId, audienceUse));
  const circles = new Shared((viewerId) => Circle.open(viewerId, use));
  const followedBy = new Map<string, number>();
  const memberships = new DataLoader<RoomOfUser, boolean>(areMembers, { cache: false, maxBatchSize: 5_000 });

  /** The presence of those whom their viewer may see, by `sightKey`. */
  async function read(sights: readonly Sight[]): Promise<Map<string, PresenceState>> {
    const seen = await store.readForViewers(sights.filter(({ userId }) => isUserId(userId)));
    const visible = sights.filter((sight) => seen.has(sightKey(sight)));
    const { users } = await board.read(visible.map(({ userId }) => userId));
    const nowMs = clock.wallMs();
    return new Map(
      visible.map((sight) => {
        const key = sightKey(sight);
        return [key, stateOf(users.get(sight.userId)!, seen.get(key)!, nowMs)];
      }),
    );
  }

  /** @throws Refusal INVALID, NOT_FOUND (a room that the user is not in), RATE_LIMITED */
  async function set(userId: string, sessionId: string | null, input: SetPresenceInput): Promise<PresenceState> {
    const profile = await own.set(userId, sessionId, input);
    // In case it has a revision that the board knows from before the database went back, and so does not announce.
    if (profile.revision < profiles.get(userId).revision) profiles.refresh(userId);
    const { users } = await board.read([userId]);
    return stateOf(users.get(userId)!, profile, clock.wallMs());
  }

  /**
   * First the present state of all in one list, then changes. Ends when the viewer is removed from the room.
   * @throws Refusal INVALID, NOT_FOUND, RATE_LIMITED
   */
  function follow(
    viewerId: string,
    of: { userIds?: string[] | null; roomId?: string | null },
  ): Promise<AsyncGenerator<PresenceState[], void, void>> {
    const userIds = of.userIds ?? null;
    const roomId = of.roomId ?? null;
    if (userIds !== null && roomId === null) return followUsers(viewerId, checkUserIds(userIds));
    if (userIds === null && roomId !== null) return followRoom(viewerId, roomId);
    throw invalid("Give `userIds` or `roomId`.", ["userIds"]);
  }

  async function followRoom(viewerId: string, roomId: string) {
    // Before anything is watched, so that nobody but members can make the node watch a room.
    await requireMember(viewerId, roomId);
    const { value: room, release } = await roomAudiences.hold(roomId);
    let stopWatching = () => {};
    const follower = room.join(viewerId, () => {
      stopWatching();
      release();
    });
    try {
      let known = -1;
      let heard: number | null = null;
      stopWatching = await hub.watchUser(viewerId, (revision) => {
        heard = revision;
        if (known >= 0 && revision !== known) room.viewerMoved(follower);
      });
      known = await store.readRevision(viewerId);
      if (heard !== null && heard !== known) room.viewerMoved(follower);
      await requireMember(viewerId, roomId);
      return follower.stream;
    } catch (fault) {
      await follower.stream.return();
      throw fault;
    }
  }

  async function followUsers(viewerId: string, userIds: readonly string[]) {
    const asked = new Set(userIds.filter(isUserId));
    await using resources = new AsyncDisposableStack();
    resources.defer(countFollowed(viewerId, asked.size));
    const { value: circle, release } = await circles.hold(viewerId);
    resources.defer(release);
    const held: { resources?: AsyncDisposableStack } = {};
    const onClose = () => void held.resources?.disposeAsync();
    const { follower } = await UserAudience.open({ use: audienceUse, circle, userIds: asked, onClose });
    held.resources = resources.move();
    return follower.stream;
  }

  function countFollowed(viewerId: string, count: number): () => void {
    const before = followedBy.get(viewerId) ?? 0;
    if (before + count > maxFollowedByViewer)
      throw new Refusal("RATE_LIMITED", `All of your subscriptions together follow ${maxFollowedByViewer} users.`);
    followedBy.set(viewerId, before + count);
    return () => {
      const left = (followedBy.get(viewerId) ?? 0) - count;
      if (left > 0) followedBy.set(viewerId, left);
      else followedBy.delete(viewerId);
    };
  }

  /** The latest of the rooms that the user is in, among those in which both are members. */
  async function visibleRoom(
    viewerId: string,
    { userId, roomIds }: Pick<PresenceState, "userId" | "roomIds">,
  ): Promise<string | null> {
    const known = roomIds.filter(isId);
    const userIds = new Set([viewerId, userId]);
    const areIn = await Promise.all(
      known.map(async (roomId) => {
        const each = await Promise.all([...userIds].map((id) => memberships.load({ roomId, userId: id })));
        return each.every(Boolean);
      }),
    );
    return known.find((_, index) => areIn[index]) ?? null;
  }

  async function areMembers(asked: readonly RoomOfUser[]): Promise<boolean[]> {
    const keyOf = ({ roomId, userId }: RoomOfUser) => `${roomId} ${userId}`;
    const distinct = new Map(asked.map((each) => [keyOf(each), each]));
    const found = new Set((await use.rooms.readMembers([...distinct.values()])).map(keyOf));
    return asked.map((each) => found.has(keyOf(each)));
  }

  async function requireMember(userId: string, roomId: string): Promise<void> {
    if (!isId(roomId) || !(await memberships.load({ roomId, userId }))) throw notFound("room", ["roomId"]);
  }

  async function dispose(): Promise<void> {
    profiles[Symbol.dispose]();
    currentRooms[Symbol.dispose]();
    await lastSeen[Symbol.asyncDispose]();
  }

  return {
    opened: own.opened,
    closed: own.closed,
    drain: own.drain,
    set,
    read,
    follow,
    visibleRoom,
    onlineUsers: createOnlineUsers(use),
    now: () => clock.wallMs(),
    [Symbol.asyncDispose]: dispose,
  };
}

/** @throws Refusal INVALID */
export function checkUserIds(userIds: string[]): string[] {
  if (userIds.length > maxUserIds) throw invalid(`\`userIds\` are at most ${maxUserIds}.`, ["userIds"]);
  return userIds;
}
