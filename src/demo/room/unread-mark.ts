import { useState } from "react";
import type { RoomView } from "../../react/index.ts";
import type { Row } from "./rows.ts";

/** Where reading is to go on. */
export interface UnreadMark {
  /** The first message that was unread when the room was opened; the same for as long as it is open. */
  key: string | undefined;
  /** False while all that is loaded was unread, and older messages may be too: then there is no key yet. */
  isSettled: boolean;
}

export function useUnreadMark(rows: readonly Row[], { status, receipts, hasOlder }: RoomView): UnreadMark {
  const [mark, setMark] = useState<UnreadMark>({ key: undefined, isSettled: false });
  if (!mark.isSettled && status === "ready") {
    // What was found so far may have been read by now.
    const at = rows.findIndex(
      ({ key, message }) => key === mark.key || (message.position !== undefined && !receipts.isRead(message)),
    );
    const found = { key: rows[at]?.key, isSettled: at !== 0 || !hasOlder };
    if (found.key !== mark.key || found.isSettled) setMark(found);
  }
  return mark.isSettled ? mark : unsettled;
}

const unsettled: UnreadMark = { key: undefined, isSettled: false };
