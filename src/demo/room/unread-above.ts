import { useEffect, useState, type RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import { isPlaced } from "./end.ts";
import type { RoomView } from "../../react/index.ts";
import type { Row } from "./rows.ts";
import type { UnreadMark } from "./unread-mark.ts";

export interface UnreadAboveOptions {
  unread: UnreadMark;
  rows: readonly Row[];
  view: RoomView;
  handle: RefObject<VirtualizerHandle | null>;
  /** Older messages did not load. */
  hasFailed: boolean;
  load: () => void;
  /** Goes to a message. */
  show: (key: string) => void;
}

/** More is unread than the room was opened with: knows until the user has been at the first unread message, and goes there. */
export function useUnreadAbove({ unread, rows, view, handle, hasFailed, load, show }: UnreadAboveOptions) {
  const [isReached, setReached] = useState(false);
  const [isSought, setSought] = useState(false);
  const at = isReached || unread.key === undefined ? -1 : rows.findIndex(({ key }) => key === unread.key);

  function check() {
    const list = handle.current;
    if (at !== -1 && list && list.findItemIndex(list.scrollOffset) <= at) setReached(true);
  }

  useEffect(() => {
    if (isPlaced(handle.current)) check();
  });
  useEffect(() => {
    if (!isSought) return;
    if (unread.key !== undefined) show(unread.key);
    if (unread.isSettled || hasFailed) setSought(false);
    else if (view.hasOlder && !view.isLoadingOlder) load();
  });
  const isThere = view.status === "ready" && !isReached && (!unread.isSettled || unread.key !== undefined);
  return { isAbove: isThere && !isSought && !view.isLoadingOlder && !hasFailed, check, go: () => setSought(true) };
}
