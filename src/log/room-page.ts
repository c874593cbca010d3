import type { Change, ChangeKind } from "./changes.ts";
import { memberAsOf, messageAsOf, messageChange } from "./changes.ts";
import type { MemberJson, MessageJson, ReadRangeJson, RoomColumns } from "./rows.ts";
import { memberRow, messageRow, readRange } from "./rows.ts";

/** What one reader has coming of one room. */
export type RoomPage = {
  roomId: string;
  after: number;
  /** In the order of their revisions. */
  changes: Change[];
  /** Everything up to here is in this page, or was before it. */
  through: number;
  /** Nothing was left to read in the snapshot of this page. */
  complete: boolean;
  /** The newest revision that the reader may see: the room's, or that of their removal. */
  bound: number;
  /** The revision at which the reader left; null while a member. */
  leftRevision: number | null;
};

export type CatchUp = { pages: RoomPage[]; /** Rooms that changed and did not fit. */ more: boolean };

/** A row of what a page is read from: `rank` 0 is the room itself, `rank` 1 something found in it. */
export type PageColumns = RoomColumns & {
  room_id: string;
  after: number;
  left_revision: number | null;
  bound: number;
  rank: number;
  type: "message" | "receipt" | "joined" | "member" | null;
  row_revision: number | null;
  row: unknown;
  more?: boolean;
  leavers?: string[];
};

/** A slice for each room of what was found for many. */
export function* byRoom(rows: PageColumns[]): Generator<PageColumns[]> {
  let start = 0;
  for (let end = 1; end <= rows.length; end++) {
    if (end < rows.length && rows[end]!.room_id === rows[start]!.room_id) continue;
    yield rows.slice(start, end);
    start = end;
  }
}

/** The first row is the room's own; the others are what was found, in the order of their revisions. */
export function pageOfRows(
  rows: PageColumns[],
  { limit, kinds }: { limit: number; kinds: ReadonlySet<ChangeKind> },
): RoomPage {
  const head = rows[0]!;
  const found = rows.slice(1);
  // A table that gave more rows than a page holds may have more behind them.
  const end = Math.max(head.bound, head.after);
  const ends = (["message", "receipt", "joined", "member"] as const).map((table) =>
    endOfFullTable(
      found.filter((row) => row.type === table),
      limit,
    ),
  );
  const through = Math.min(end, ...ends.filter((full) => full !== null));
  const changes = found.filter((row) => row.row_revision! <= through).reduce(addChange(head.left_revision), []);
  if (kinds.has("ROOM") && head.room_revision > head.after && head.room_revision <= through) {
    changes.push({ type: "RoomUpdated", revision: head.room_revision });
    changes.sort((a, b) => a.revision - b.revision);
  }
  const { room_id: roomId, after, bound, left_revision: leftRevision } = head;
  return { roomId, after, changes, through, complete: through === end, bound, leftRevision };
}

// Messages come from two selects of up to limit + 1 rows; counting both together at most ends the page early. Receipts
// come with all rows of the last revision, so the page may end with it.
function endOfFullTable(rows: PageColumns[], limit: number): number | null {
  if (rows.length <= limit) return null;
  return rows[0]!.type === "receipt" ? rows.at(-1)!.row_revision! : rows[limit]!.row_revision! - 1;
}

function addChange(leftRevision: number | null) {
  return (changes: Change[], row: PageColumns): Change[] => {
    const revision = row.row_revision!;
    const last = changes.at(-1);
    if (row.type === "receipt") {
      const range = readRange(row.row as ReadRangeJson);
      if (last?.type === "MessagesRead" && last.revision === revision) last.ranges.push(range);
      else changes.push({ type: "MessagesRead", revision, ranges: [range] });
    } else if (row.type === "message") {
      const message = messageAsOf(messageRow(row.row as MessageJson), leftRevision);
      // Told at its position, a message is sent, whatever became of it since.
      changes.push(revision === message.position ? { type: "MessageSent", revision, message } : messageChange(message));
    } else {
      const member = memberAsOf(memberRow(row.row as MemberJson), leftRevision);
      if (row.type === "joined") changes.push({ type: "MemberJoined", revision, member });
      else changes.push({ type: member.leftRevision === null ? "MemberUpdated" : "MemberLeft", revision, member });
    }
    return changes;
  };
}

/** A removed member is told so whatever kinds were asked for. */
export function withOwnLeave(
  page: RoomPage,
  { head, userId, kinds }: { head: PageColumns; userId: string; kinds: ReadonlySet<ChangeKind> },
): RoomPage {
  const { roomId, leftRevision, after } = page;
  if (leftRevision === null || leftRevision <= after || kinds.has("MEMBER")) return page;
  const member = {
    roomId,
    userId,
    role: "MEMBER" as const,
    revision: leftRevision,
    joinedRevision: 0,
    joinedAt: head.created_at,
    leftRevision,
    leftAt: null,
  };
  return { ...page, changes: [...page.changes, { type: "MemberLeft", revision: leftRevision, member }] };
}

/** At most `limit` changes over all rooms, the rooms in their order. */
export function cut(pages: RoomPage[], { limit, more }: { limit: number; more: boolean }): CatchUp {
  const kept: RoomPage[] = [];
  let left = limit;
  let rest = more;
  for (const page of pages) {
    if (page.changes.length > left) {
      rest = true;
      if (left === 0) continue;
      const changes = page.changes.slice(0, left);
      kept.push({ ...page, changes, through: changes.at(-1)!.revision, complete: false });
      left = 0;
      continue;
    }
    left -= page.changes.length;
    kept.push(page);
    if (!page.complete) rest = true;
  }
  return { pages: kept, more: rest };
}
