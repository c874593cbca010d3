import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Virtualizer, type VirtualizerHandle } from "virtua";
import type { Message } from "../../client/index.ts";
import { useAutoRead, useClient, type RoomView } from "../../react/index.ts";
import { DownIcon } from "../parts/icons.tsx";
import { useNowMs } from "../parts/time.ts";
import { Arrivals } from "./arrivals.tsx";
import { MessageItem } from "./message-item.tsx";
import { rowsOf, type Row } from "./rows.ts";
import { useEnd } from "./end.ts";
import { useFocusedRow } from "./focused-row.ts";
import { useUnreadAbove } from "./unread-above.ts";
import { useUnreadMark } from "./unread-mark.ts";

export interface MessageListProps {
  roomId: string;
  view: RoomView;
  isDirect: boolean;
  canWrite: boolean;
  /** In the whole room, whether loaded or not. */
  unreadCount: number;
  onReply: (message: Message) => void;
  onEdit: (message: Message) => void;
  onDelete: (message: Message) => void;
}

/** Older messages are loaded before the user gets to where they belong, so that nothing moves that is looked at. */
const loadWithinPx = 1_500;
/** Of a message so much must be seen for it to count as read; small, as one may be higher than the list. */
const seenPart = 0.2;

/** The messages of a room. Only those that are seen are in the document, however many there are. */
export function MessageList({ roomId, view, isDirect, canWrite, unreadCount, ...actions }: MessageListProps) {
  const { userId } = useClient();
  const nowMs = useNowMs();
  const { messages, hasOlder, isLoadingOlder } = view;
  const rows = useMemo(() => rowsOf(messages, userId), [messages, userId]);
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const handle = useRef<VirtualizerHandle>(null);
  const unread = useUnreadMark(rows, view);
  const { isAtEnd, noteScroll, toEnd, leave } = useEnd({ rows, handle, scroller, unreadKey: unread.key });
  const loadOlder = useOlder(view, scroller);
  const isPrepended = useIsPrepended(rows);
  const focus = useFocusedRow({ rows, handle, scroller, leaveEnd: leave });
  const { hasFailed, load } = loadOlder;
  const above = useUnreadAbove({ unread, rows, view, handle, hasFailed, load, show: focus.go });
  const autoRead = useAutoRead(roomId, { root: scroller, threshold: seenPart });

  return (
    <div className="messages-frame">
      {/* Not focusable itself: the messages in it are. */}
      <div className="messages" ref={setScroller} onKeyDown={focus.onKeyDown} onFocus={focus.onFocus}>
        {rows.length === 0 && <p className="hint">{emptyText(view, canWrite)}</p>}
        {scroller && (
          <Virtualizer
            ref={handle}
            as="ul"
            item="li"
            data={rows}
            shift={isPrepended}
            keepMounted={focus.keepMounted}
            onScroll={() => {
              noteScroll();
              loadOlder.check();
              above.check();
              focus.arrive();
            }}
          >
            {(row, index) => (
              <MessageItem
                key={row.key}
                row={row}
                rows={rows}
                view={view}
                nowMs={nowMs}
                isDirect={isDirect}
                canWrite={canWrite}
                isUnreadMark={row.key === unread.key}
                isTabStop={index === focus.tabStop}
                seenRef={autoRead(row.message)}
                onShowMessage={focus.show}
                {...actions}
              />
            )}
          </Virtualizer>
        )}
      </div>
      {isLoadingOlder && <p className="chip at-start">Loading older messages…</p>}
      {hasFailed && hasOlder && !isLoadingOlder && (
        <button type="button" className="chip at-start" onClick={load}>
          Older messages did not load. Try again
        </button>
      )}
      {above.isAbove && unreadCount > 0 && (
        <button type="button" className="chip at-start" onClick={above.go}>
          {unreadCount} unread above
        </button>
      )}
      {!isAtEnd && (
        <button type="button" className="chip at-end" onClick={toEnd} aria-label="To the newest message">
          <DownIcon />
        </button>
      )}
      <Arrivals rows={rows} isLoaded={view.status !== "loading"} />
    </div>
  );
}

function emptyText({ status }: RoomView, canWrite: boolean): string {
  if (status === "loading") return "Loading…";
  return canWrite ? "No messages yet: say hello." : "No messages.";
}

/** Loads older messages when the user comes near them. */
function useOlder(view: RoomView, scroller: HTMLElement | null) {
  const { hasOlder, isLoadingOlder, loadOlder } = view;
  const [hasFailed, setFailed] = useState(false);

  function load() {
    setFailed(false);
    loadOlder().catch(() => setFailed(true));
  }

  function check() {
    if (!scroller || !hasOlder || isLoadingOlder || hasFailed) return;
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    const isShort = scrollHeight <= clientHeight;
    // At the end nobody looks for older ones yet, however little is loaded.
    const isAtEnd = scrollTop + clientHeight >= scrollHeight - 1;
    if (isShort || (!isAtEnd && scrollTop < loadWithinPx)) load();
  }

  // After each rendering: the list may be short. At first it is at its top, whatever is looked at then.
  useEffect(() => {
    if (scroller && (scroller.scrollTop > 0 || scroller.scrollHeight <= scroller.clientHeight)) check();
  });
  return { hasFailed, check, load };
}

/** Whether rows came before those of the last rendering: the list then keeps its distance to the end. */
function useIsPrepended(rows: readonly Row[]): boolean {
  const first = useRef<string>(undefined);
  const key = rows[0]?.key;
  const isPrepended = first.current !== undefined && key !== first.current;
  useLayoutEffect(() => {
    first.current = key;
  });
  return isPrepended;
}
