import { vectorClock, type VectorClock } from "./vector-clock.ts";

/**
 * The sync state of a device: how far it has come in each room. Two tabs or devices merge theirs and compare them as
 * vector clocks. The revision stays a text, as fixed-width digits compare as their bytes do.
 */
export type SyncState = VectorClock<string>;

const cursorPattern = /^(.+)\.([0-9]{16})$/s;

/** The room and the revision's digits. @throws SyntaxError on what is not `<room id>.<16 digits>` */
export function parseCursor(cursor: string): { roomId: string; revision: string } {
  const [, roomId, revision] = cursorPattern.exec(cursor) ?? [];
  if (roomId === undefined || revision === undefined) throw new SyntaxError("This is no cursor of a room.");
  return { roomId, revision };
}

/** The newest cursor of each room. @throws SyntaxError where one of them is none */
export function fromCursors(cursors: Iterable<string>): SyncState {
  return vectorClock(Array.from(cursors, toEntry));
}

/** One cursor a room, in the order of the rooms' ids: what `sync` and `inbox` take as `after`. */
export function toCursors(state: SyncState): string[] {
  return state.toJSON().map(([roomId, revision]) => `${roomId}.${revision}`);
}

function toEntry(cursor: string): [roomId: string, revision: string] {
  const { roomId, revision } = parseCursor(cursor);
  return [roomId, revision];
}
