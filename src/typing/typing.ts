import { randomUUID } from "node:crypto";
import { notFound, rateLimited } from "../errors.ts";
import type { Bus } from "../live/bus.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { UserRow } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { isId } from "../log/ids.ts";
import type { RoomsStore } from "../rooms/rooms.store.ts";
import { Memberships } from "./memberships.ts";
import { lifetimeMs } from "./typing-announcement.ts";
import type { TypingState } from "./typing-followers.ts";
import { TypingRoom } from "./typing-room.ts";

/** Over this node's connections, in all rooms. */
const maxTypers = 50_000;
/** Of typing that came over HTTP: all of a user's requests count as one connection. */
const http = "http";

export type Typing = ReturnType<typeof createTyping>;
export type TypingUse = {
  bus: Bus;
  hub: Pick<Hub, "listen" | "watchOf" | "watchRooms" | "unwatchRooms">;
  store: Pick<RoomsStore, "readMembers">;
  clock: BoardClock;
  onFault: (fault: unknown) => void;
};

/** Who types where. Soft state: nothing of it is kept, and what is not said again within 5 s is over on every node. */
export function createTyping(use: TypingUse) {
  const { hub } = use;
  const memberships = new Memberships(use);
  const count = { typers: 0 };
  const roomUse = { ...use, memberships, count, source: randomUUID() };
  const rooms = new Map<string, TypingRoom>();
  /** Of connections that typed, where. */
  const byConnection = new Map<string, { userId: string; roomIds: Set<string> }>();

  /**
   * Ends by itself after 5 s, and when the connection does (null: HTTP). Another connection of the user goes on.
   * @throws Refusal NOT_FOUND, RATE_LIMITED
   */
  async function set(
    user: UserRow,
    connection: { readonly id: string; readonly isOpen: boolean } | null,
    { roomId, isTyping }: { roomId: string; isTyping: boolean },
  ): Promise<void> {
    if (!isId(roomId) || !(await memberships.isMember({ roomId, userId: user.id }))) {
      rooms.get(roomId)?.part(user.id);
      throw notFound("room", ["roomId"]);
    }
    if (connection?.isOpen === false) return;
    if (!isTyping) return rooms.get(roomId)?.stop(user.id, connection?.id ?? http);
    if (count.typers >= maxTypers) throw rateLimited(lifetimeMs);
    if (connection) roomsOf(connection.id, user.id).add(roomId);
    roomOf(roomId).start(user, connection?.id ?? http);
  }

  /** Ends when the viewer is removed from the room. @throws Refusal NOT_FOUND */
  async function follow(viewerId: string, roomId: string): Promise<AsyncGenerator<TypingState, void, void>> {
    const member = { roomId, userId: viewerId };
    // Before anything is watched, so that nobody but members can make the node watch a room.
    if (!isId(roomId) || !(await memberships.isMember(member))) throw notFound("room", ["roomId"]);
    await hub.watchRooms([roomId]);
    const stream = roomOf(roomId).follow(viewerId, () => hub.unwatchRooms([roomId]));
    try {
      // Once more: a removal before this node watched the room was noticed by nobody.
      if (!(await memberships.readAnew(member))) throw notFound("room", ["roomId"]);
      return stream;
    } catch (fault) {
      await stream.return();
      throw fault;
    }
  }

  function closed(connectionId: string): void {
    const connection = byConnection.get(connectionId);
    byConnection.delete(connectionId);
    for (const roomId of connection?.roomIds ?? []) rooms.get(roomId)?.stop(connection!.userId, connectionId);
  }

  function roomsOf(connectionId: string, userId: string): Set<string> {
    const connection = byConnection.get(connectionId) ?? { userId, roomIds: new Set<string>() };
    byConnection.set(connectionId, connection);
    return connection.roomIds;
  }

  function roomOf(roomId: string): TypingRoom {
    const present = rooms.get(roomId);
    if (present) return present;
    const room = new TypingRoom(roomId, roomUse, () => {
      rooms.delete(roomId);
      room[Symbol.dispose]();
    });
    rooms.set(roomId, room);
    return room;
  }

  function dispose(): void {
    for (const room of rooms.values()) room[Symbol.dispose]();
    rooms.clear();
    byConnection.clear();
  }

  return { set, follow, closed, [Symbol.dispose]: dispose };
}
