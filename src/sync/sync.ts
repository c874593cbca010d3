import { invalid } from "../errors.ts";
import type { RoomEvent } from "../log/changes.ts";
import { formatCursor, parseCursor } from "../log/cursor.ts";
import { checkPositions, newestOfEach } from "../log/feeds.ts";
import type { LogStore } from "../log/log.store.ts";
import type { RoomPage } from "../log/room-page.ts";

export type SyncPage = { events: RoomEvent[]; cursors: string[]; hasMore: boolean };
export type Sync = ReturnType<typeof createSync>;

/** Three statements, whatever the number of rooms. */
export function createSync({ store, maxCursors }: { store: LogStore; maxCursors: number }) {
  /**
   * What changed in the viewer's rooms after these positions, at most `limit` events.
   * @throws Refusal INVALID, CURSOR_RESET
   */
  async function page(
    viewerId: string,
    { after, limit }: { after: readonly string[]; limit: number },
  ): Promise<SyncPage> {
    if (after.length > maxCursors) throw invalid(`At most ${maxCursors} cursors.`, ["after"]);
    const positions = newestOfEach(after.map((cursor) => parseCursor(cursor, ["after"])));
    const { rooms } = await store.readRoomsOfUser(viewerId);
    const listed = await store.readMemberships(viewerId, [...positions.keys()]);
    checkPositions(listed, positions);
    const starts = new Map(rooms.map(({ roomId, joinedRevision }) => [roomId, joinedRevision - 1]));
    for (const { roomId } of listed) starts.set(roomId, positions.get(roomId)!);
    const from = [...starts].map(([roomId, revision]) => ({ roomId, revision }));
    const { pages, more } = await store.readForMember({ userId: viewerId, after: from, limit });
    return {
      events: pages.flatMap((found) => eventsOf(found, positions)),
      cursors: pages
        .filter((found) => found.through > found.after)
        .map((found) => formatCursor(found.roomId, found.through)),
      hasMore: more,
    };
  }

  return { page };
}

/** The first event follows the position that the client gave; a room that it did not know has nothing before. */
function eventsOf({ roomId, after, changes }: RoomPage, positions: Map<string, number>): RoomEvent[] {
  const held = positions.has(roomId) && after > 0 ? after : null;
  return changes.map((change, index) => ({ ...change, roomId, previous: changes[index - 1]?.revision ?? held }));
}
