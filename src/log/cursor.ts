import { invalid } from "../errors.ts";

/** Wide enough for every revision that a double holds exactly, so that cursors of one room compare as their bytes do. */
const REVISION_DIGITS = 16;

const pattern = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.(\d{16})$/;

/** A place in one room's log. */
export type Position = { roomId: string; revision: number };

/** `<room id>.<16 decimal digits>`. */
export function formatCursor(roomId: string, revision: number): string {
  return `${roomId}.${revision.toString().padStart(REVISION_DIGITS, "0")}`;
}

/** @throws Refusal INVALID for whatever formatCursor does not make. */
export function parseCursor(text: string, path: string[]): Position {
  const match = pattern.exec(text);
  const revision = match ? Number(match[2]) : Number.NaN;
  if (!match || !Number.isSafeInteger(revision)) throw invalid("This is not a cursor of a room's log.", path);
  return { roomId: match[1]!, revision };
}
