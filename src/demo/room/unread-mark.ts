import { useRef } from "react";
import type { RoomView } from "../../react/index.ts";
import type { Row } from "./rows.ts";

/** The first message that was unread when the room was opened; the same for as long as it is open. */
export function useUnreadMark(rows: readonly Row[], { status, receipts }: RoomView): string | undefined {
  const found = useRef<{ key: string | undefined }>(undefined);
  if (!found.current && status === "ready") {
    const unread = rows.find(({ message }) => message.position !== undefined && !receipts.isRead(message));
    found.current = { key: unread?.key };
  }
  return found.current?.key;
}
