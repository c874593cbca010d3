import { randomUUID } from "node:crypto";
import { notFound } from "../errors.ts";
import { messageChange } from "../log/changes.ts";
import { erasedIdPrefix } from "../log/ids.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { eraseMembership, eraseMessages, type PersonalDataStore, type RoomOfUser } from "./personal-data.store.ts";
import { noRoomId, windowsOf } from "./windows.ts";

const roomsAtOnce = 100;
/** What one commit takes at most, so that a room is not locked for long. */
const messagesAtOnce = 500;

export type Erased = { rooms: number; messages: number };

/**
 * Erases users while the server runs. Their messages become tombstones, with revisions like every other change, so who is
 * subscribed is told and who resumes finds nothing else; memberships end; receipts, presence and profile go. What has to
 * have an author or a member keeps one: an id made for this, whose name is "Deleted user".
 */
export function createErasure(use: {
  store: PersonalDataStore;
  log: RoomLog;
  rooms: Pick<Rooms, "depart">;
  /** Ends the user's connections, on all nodes. */
  revoke: (userId: string) => Promise<boolean>;
}) {
  const { store, log, rooms, revoke } = use;

  /**
   * Gives what was erased so far after each step. Broken off, it can be begun again.
   * @throws Refusal NOT_FOUND where nothing is known of the user
   */
  async function* erase(userId: string): AsyncGenerator<Erased, void, void> {
    if (!(await store.readUser(userId))) throw notFound("user", ["userId"]);
    await revoke(userId);
    const erased = { rooms: 0, messages: 0 };
    do {
      const page = await store.readRooms(userId, noRoomId, roomsAtOnce);
      // One for each round: who was added again to a room has left a member there already.
      const alias = `${erasedIdPrefix}${randomUUID()}`;
      if (page.length > 0) await store.saveAlias(alias, "Deleted user");
      for (const room of page) {
        yield* eraseFromRoom({ room, userId, alias, erased });
        erased.rooms += 1;
        yield { ...erased };
      }
      // Another erasure may have been first.
    } while (!(await store.eraseUser(userId)) && (await store.readUser(userId)));
    // Nobody is to go on with what a node knew of the profile.
    await revoke(userId);
    yield { ...erased };
  }

  async function* eraseFromRoom(of: { room: RoomOfUser; userId: string; alias: string; erased: Erased }) {
    const { userId, alias, erased } = of;
    const roomId = of.room.room_id;
    // From here on nothing can be sent or read in the user's name.
    const departed = await rooms.depart(roomId, userId);
    for (const { after, through } of windowsOf(departed)) {
      const window = { roomId, userId, after, through };
      while (await store.hasMessages(window)) {
        erased.messages += await log.change(roomId, async (room) => {
          const to = { alias, revision: room.row.revision, nowMs: room.now, limit: messagesAtOnce };
          const messages = await eraseMessages(room.tx, window, to);
          for (const _message of messages) room.next();
          return { result: messages.length, changes: messages.map(messageChange) };
        });
        yield { ...erased };
      }
    }
    await log.change(roomId, async (room) => {
      const revision = room.row.revision + 1;
      const member = await eraseMembership(room.tx, { roomId, userId, alias, revision, departed });
      // Came back meanwhile, which is for the next round; or another erasure was first.
      if (!member) return { result: undefined, changes: [] };
      room.next();
      // Nodes that hear it forget what they could replay of the room.
      return { result: undefined, changes: [{ type: "MemberLeft", revision, member }] };
    });
  }

  return { erase };
}
