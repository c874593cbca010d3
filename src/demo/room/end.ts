import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows.ts";

/** Closer to the end than this counts as being there: what arrives is scrolled to. */
const nearEndPx = 80;

/**
 * Stays at the end while the user is there, and goes there when the user sends something. Whoever scrolls up, however little, is not
 * pulled back: that would be a fight which a slow hand loses.
 */
export function useEnd({
  rows,
  handle,
  scroller,
  unreadKey,
}: {
  rows: readonly Row[];
  handle: RefObject<VirtualizerHandle | null>;
  scroller: HTMLElement | null;
  unreadKey: string | undefined;
}) {
  const [isAtEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  const lastTopPx = useRef(0);
  const shown = useRef<Row>(undefined);

  const scrollToEnd = useCallback(() => {
    if (!scroller) return;
    scroller.scrollTo({ top: scroller.scrollHeight });
    // The event that tells of it comes later, and is not the user's.
    lastTopPx.current = scroller.scrollTop;
  }, [scroller]);

  function toEnd() {
    follows.current = true;
    setAtEnd(true);
    scrollToEnd();
  }

  /** Another place is gone to, which takes a few renderings. */
  function leave() {
    follows.current = false;
  }

  useLayoutEffect(() => {
    const last = rows.at(-1);
    const before = shown.current;
    if (!last || !handle.current) return;
    shown.current = last;
    const unreadAt = before ? -1 : rows.findIndex(({ key }) => key === unreadKey);
    if (unreadAt > 0) {
      follows.current = false;
      handle.current.scrollToIndex(unreadAt, { align: "start" });
      return;
    }
    const isSent = last.message.position === undefined && last.key !== before?.key;
    if (follows.current || isSent) toEnd();
  });

  // Something in the list, or the list itself, is of another height now.
  useEffect(() => {
    if (!scroller) return undefined;
    const observer = new ResizeObserver(() => {
      if (follows.current) scrollToEnd();
    });
    for (const element of [scroller, scroller.querySelector("ul")]) if (element) observer.observe(element);
    return () => observer.disconnect();
  }, [scroller, scrollToEnd]);

  function noteScroll() {
    if (!scroller) return;
    const { scrollHeight, clientHeight, scrollTop } = scroller;
    const leftPx = scrollHeight - clientHeight - scrollTop;
    const movedPx = scrollTop - lastTopPx.current;
    lastTopPx.current = scrollTop;
    // What becomes shorter moves up too, and stays at the end.
    if (movedPx !== 0) follows.current = leftPx <= 1 || (movedPx > 0 && leftPx < nearEndPx);
    setAtEnd(leftPx < nearEndPx);
  }

  return { isAtEnd, toEnd, leave, noteScroll };
}

/** Whether the list is where it is to be: at first it stands at its top for a moment, which says nothing of what is looked at. */
export function isPlaced(list: VirtualizerHandle | null): list is VirtualizerHandle {
  return list !== null && (list.scrollOffset > 0 || list.scrollSize <= list.viewportSize);
}
