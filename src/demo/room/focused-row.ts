import { useEffect, useRef, useState, type FocusEvent, type KeyboardEvent, type RefObject } from "react";
import type { VirtualizerHandle } from "virtua";
import type { Row } from "./rows.ts";

/**
 * One message at a time is reached by Tab, the last one at first; the arrow keys, Home and End go to others, also to those that
 * are not in the document yet.
 */
export function useFocusedRow({
  rows,
  handle,
  scroller,
  leaveEnd,
}: {
  rows: readonly Row[];
  handle: RefObject<VirtualizerHandle | null>;
  scroller: HTMLElement | null;
  /** The list is not to stay at its end. */
  leaveEnd: () => void;
}) {
  const [focusedKey, setFocusedKey] = useState<string>();
  const wanted = useRef<string>(undefined);
  const at = rows.findIndex(({ key }) => key === focusedKey);

  function go(index: number) {
    const row = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!row) return;
    wanted.current = row.key;
    setFocusedKey(row.key);
    if (row !== rows.at(-1)) leaveEnd();
    handle.current?.scrollToIndex(rows.indexOf(row), { align: "nearest" });
  }

  // The message is in the document by now, or after another rendering; what was not measured yet is hidden and takes no focus.
  function arrive() {
    if (wanted.current === undefined || !scroller) return;
    const { activeElement } = document;
    const isElsewhere = activeElement !== document.body && !scroller.contains(activeElement);
    const element = scroller.querySelector<HTMLElement>(`[data-key="${CSS.escape(wanted.current)}"]`);
    if (!isElsewhere) element?.focus({ preventScroll: true });
    if (isElsewhere || (element && document.activeElement === element)) wanted.current = undefined;
  }

  useEffect(arrive);
  return {
    /** To be called when the list has moved. */
    arrive,
    tabStop: at === -1 ? rows.length - 1 : at,
    keepMounted: rows.length === 0 ? [] : [at === -1 ? rows.length - 1 : at],
    go: (key: string) => go(rows.findIndex((row) => row.key === key)),
    show: (messageId: string) => {
      const found = rows.findIndex(({ message }) => message.position !== undefined && message.id === messageId);
      if (found !== -1) go(found);
      return found !== -1;
    },
    onFocus: (event: FocusEvent) => {
      const key = event.target.closest<HTMLElement>("[data-key]")?.dataset.key;
      if (key !== undefined) setFocusedKey(key);
    },
    onKeyDown: (event: KeyboardEvent) => {
      // Keys in the message's buttons are theirs.
      if (!(event.target instanceof HTMLElement) || event.target.dataset.key === undefined) return;
      const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      go(to);
    },
  };
}
