import { cursorReset, invalid, notFound } from "../errors.ts";
import type { Position } from "./cursor.ts";
import { parseCursor } from "./cursor.ts";
import { FollowedRooms } from "./followed-rooms.ts";
import type { Hub } from "./hub.ts";
import { isId } from "./ids.ts";
import type { LogStore, Membership } from "./log.store.ts";
import type { Selection, Viewer } from "./selection.ts";
import type { Sink } from "./sink.ts";
import { Patience } from "./patience.ts";
import { Subscription, type Start } from "./subscription.ts";

export type Feeds = ReturnType<typeof createFeeds>;

/** `cost`: of one event, as the query's limits count it. */
type Open = { viewer: Viewer; selection: Selection; cost: number; sink: Sink };

/** The two subscriptions of the log. Each resolves when the subscription was accepted, and goes on until its sink closes. */
export function createFeeds(use: {
  hub: Hub;
  store: LogStore;
  /** By all of one user's subscriptions together. */
  maxFollowedRooms: number;
}) {
  const { hub, store } = use;
  const followed = new FollowedRooms({ max: use.maxFollowedRooms });

  /**
   * One room, from `after` or from now on.
   * @throws Refusal NOT_FOUND, INVALID (a cursor of another room), CURSOR_RESET (a position that the log does not have), RATE_LIMITED
   */
  async function openRoomEvents({
    viewer,
    selection,
    cost,
    sink,
    roomId,
    after,
  }: Open & { roomId: string; after: string | null }): Promise<void> {
    if (!isId(roomId)) throw noSuchRoom();
    const position = after === null ? null : parseCursor(after, ["after"]);
    if (position && position.roomId !== roomId) throw invalid("This is a cursor of another room.", ["after"]);
    // Before anything is watched, so that nobody but members can make the node watch a room.
    const early = (await store.readMemberships(viewer.id, [roomId]))[0];
    checkStart(early, position);
    await hub.watchRooms([roomId]);
    const subscription = new Subscription({
      hub,
      followed,
      viewer,
      selection,
      cost,
      sink,
      onLeft: () => sink.complete(),
      notMember: noSuchRoom,
    });
    try {
      const membership = (await store.readMemberships(viewer.id, [roomId]))[0];
      checkStart(membership, position);
      const revision = position?.revision ?? membership!.roomRevision;
      // Where it begins now, the client is told with CaughtUp.
      const held = position?.revision ?? 0;
      const start: Start = {
        roomId,
        position: revision,
        held,
        memberThrough: memberThrough(membership!),
        reason: "resumed",
      };
      subscription.add([start]);
    } catch (fault) {
      hub.unwatchRooms([roomId]);
      throw fault;
    }
    sink.onClose(() => subscription.close());
    subscription.fellBehind();
  }

  function checkStart(membership: Membership | undefined, after: Position | null): void {
    if (!membership) throw noSuchRoom();
    const { leftRevision, roomRevision } = membership;
    if (leftRevision !== null && (after === null || after.revision >= leftRevision)) throw noSuchRoom();
    if (after !== null && after.revision > roomRevision) throw notInLog();
  }

  /**
   * All of the viewer's rooms, those joined later included. With `after`, a room that is not listed begins with the
   * viewer's own MemberJoined; cursors of rooms that the viewer never was in are passed over.
   * @throws Refusal INVALID, CURSOR_RESET, RATE_LIMITED
   */
  async function openInbox({
    viewer,
    selection,
    cost,
    sink,
    after,
  }: Open & { after: readonly string[] | null }): Promise<void> {
    const positions = after === null ? null : newestOfEach(after.map((cursor) => parseCursor(cursor, ["after"])));
    /** Where the client stands in rooms that it no longer gets: the place to go on from when the viewer comes back. */
    const parted = new Map<string, number>();
    const subscription = new Subscription({
      hub,
      followed,
      viewer,
      selection,
      cost,
      sink,
      onLeft: (roomId, revision) => {
        parted.set(roomId, revision);
        // The viewer may be back already: that was told while the room was still here.
        refresh();
      },
      notMember: notInLog,
    });
    const inbox = { subscription, parted, closed: false, stopWatching: () => {} };
    sink.onClose(() => {
      inbox.closed = true;
      inbox.stopWatching();
      subscription.close();
    });

    async function addRooms(toStart: (membership: Membership) => Start): Promise<void> {
      const { rooms } = await store.readRoomsOfUser(viewer.id);
      // One who came back to a room and left again has that coming too.
      const due = parted.size === 0 ? [] : await stillDue([...parted.keys()], parted);
      const roomIds = new Set([...rooms.map(({ roomId }) => roomId), ...due]);
      await watchAndAdd(
        [...roomIds].filter((roomId) => !subscription.has(roomId)),
        toStart,
      );
    }

    async function watchAndAdd(roomIds: string[], toStart: (membership: Membership) => Start): Promise<void> {
      await hub.watchRooms(roomIds);
      let starts: Start[] = [];
      try {
        const memberships = await store.readMemberships(viewer.id, roomIds);
        const due = memberships
          .filter((membership) => isDue(membership, toStart(membership).position))
          .map(toStart)
          .filter((start) => !inbox.closed && !subscription.has(start.roomId));
        subscription.add(due);
        starts = due;
        for (const { roomId } of starts) parted.delete(roomId);
      } finally {
        const added = new Set(starts.map((start) => start.roomId));
        hub.unwatchRooms(roomIds.filter((roomId) => !added.has(roomId)));
      }
    }

    const fromJoin = (membership: Membership): Start => {
      const { roomId, joinedRevision } = membership;
      const held = parted.get(roomId) ?? 0;
      const position = held === 0 ? joinedRevision - 1 : held;
      return { roomId, position, held, memberThrough: memberThrough(membership), reason: "joined" };
    };
    const fromNow = (membership: Membership): Start => {
      const { roomId, roomRevision } = membership;
      return { roomId, position: roomRevision, held: 0, memberThrough: memberThrough(membership), reason: "joined" };
    };
    const fromCursor = (membership: Membership): Start => {
      const position = positions!.get(membership.roomId);
      if (position === undefined) return fromJoin(membership);
      const { roomId } = membership;
      return { roomId, position, held: position, memberThrough: memberThrough(membership), reason: "resumed" };
    };

    let refreshing = false;
    let again = false;
    // One refresh at a time; a change in the middle of one asks for one more.
    function refresh(): void {
      again = true;
      if (refreshing) return;
      refreshing = true;
      refreshRooms().catch((fault: unknown) => {
        if (inbox.closed) return;
        subscription.close();
        sink.fail(fault);
      });
    }

    async function refreshRooms(): Promise<void> {
      const patience = new Patience(hub.onFault);
      while (again && !inbox.closed) {
        again = false;
        await addRooms(fromJoin).catch((fault: unknown) => {
          again = true;
          return patience.failed(fault);
        });
        subscription.fellBehind();
      }
      refreshing = false;
    }

    try {
      let ready = false;
      let missed = false;
      inbox.stopWatching = await hub.watchUser(viewer.id, () => {
        if (ready) refresh();
        else missed = true;
      });
      if (inbox.closed) inbox.stopWatching();
      if (positions) {
        const listed = [...positions.keys()];
        checkPositions(await store.readMemberships(viewer.id, listed), positions);
        await watchAndAdd(await stillDue(listed, positions), fromCursor);
      }
      await addRooms(positions ? fromCursor : fromNow);
      ready = true;
      subscription.fellBehind();
      if (missed) refresh();
    } catch (fault) {
      inbox.closed = true;
      inbox.stopWatching();
      subscription.close();
      throw fault;
    }

    /** Listed rooms that have something coming: those of a member, and those whose MemberLeft the client has not had. */
    async function stillDue(listed: string[], from: Map<string, number>): Promise<string[]> {
      const memberships = await store.readMemberships(viewer.id, listed);
      for (const { roomId, leftRevision } of memberships) {
        if (leftRevision !== null && from.get(roomId)! >= leftRevision) parted.set(roomId, from.get(roomId)!);
      }
      return memberships
        .filter((membership) => isDue(membership, from.get(membership.roomId)!))
        .map(({ roomId }) => roomId);
    }
  }

  return { openRoomEvents, openInbox };
}

const noSuchRoom = () => notFound("room", ["roomId"]);
const notInLog = () => cursorReset(["after"]);

/** Whether anything may come after the position: a former member who was told so has nothing coming. */
function isDue({ leftRevision }: Membership, position: number): boolean {
  return leftRevision === null || position < leftRevision;
}

/** The newest revision at which the user is known to have been a member. */
function memberThrough({ leftRevision, roomRevision }: Membership): number {
  return leftRevision === null ? roomRevision : leftRevision - 1;
}

/** @throws Refusal CURSOR_RESET where a position is ahead of its room's log, as far as the user may know of it */
export function checkPositions(memberships: Membership[], positions: Map<string, number>): void {
  for (const { roomId, leftRevision, roomRevision } of memberships) {
    if (positions.get(roomId)! > (leftRevision ?? roomRevision)) throw notInLog();
  }
}

/** A client may hold several cursors of one room: the newest is its place. */
export function newestOfEach(positions: Position[]): Map<string, number> {
  const newest = new Map<string, number>();
  for (const { roomId, revision } of positions) newest.set(roomId, Math.max(newest.get(roomId) ?? 0, revision));
  return newest;
}
