import type { KeyboardEvent, RefCallback } from "react";
import type { Message, RoomMessage } from "../../client/index.ts";
import type { RoomView } from "../../react/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { LinkedText } from "../parts/linked-text.tsx";
import { dayName, fullTimeOf, timeOf } from "../parts/time.ts";
import { MessageActions } from "./message-actions.tsx";
import { MessageStatus } from "./message-status.tsx";
import { Quote, quotedBy } from "./quote.tsx";
import type { Row } from "./rows.ts";

export interface MessageItemProps {
  row: Row;
  rows: readonly Row[];
  view: RoomView;
  nowMs: number;
  isDirect: boolean;
  canWrite: boolean;
  isUnreadMark: boolean;
  isTabStop: boolean;
  seenRef: RefCallback<Element>;
  onShowMessage: (messageId: string) => boolean;
  onReply: (message: Message) => void;
  onEdit: (message: Message) => void;
  onDelete: (message: Message) => void;
}

/** One message: who, what, when, what became of it, and what can be done with it. */
export function MessageItem(props: MessageItemProps) {
  const { row, rows, view, nowMs, isDirect, canWrite, isUnreadMark, isTabStop, seenRef, onShowMessage } = props;
  const { message, isOwn, isFirst, isLast, isNewDay, sentAtMs, key } = row;
  const sent = message.position === undefined ? undefined : message;
  const isDeleted = sent?.deletedAt != null;
  const can = { reply: canWrite && sent && !isDeleted, change: canWrite && sent && isOwn && !isDeleted };
  const quoted = quotedBy(message, rows);

  function onKeyDown(event: KeyboardEvent) {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = {
      r: can.reply && props.onReply,
      e: can.change && props.onEdit,
      Delete: can.change && props.onDelete,
    }[event.key];
    if (!action || !sent) return;
    event.preventDefault();
    action(sent);
  }

  return (
    <>
      {isNewDay && (
        <p className="day">
          <span>{dayName(sentAtMs, nowMs)}</span>
        </p>
      )}
      {isUnreadMark && (
        <p className="unread-mark">
          <span>New</span>
        </p>
      )}
      <article
        ref={seenRef}
        className="message"
        data-key={key}
        data-own={isOwn}
        data-first={isFirst}
        data-last={isLast}
        data-failed={message.position === undefined && message.status === "failed"}
        tabIndex={isTabStop ? 0 : -1}
        aria-label={labelOf(message, sentAtMs)}
        onKeyDown={onKeyDown}
      >
        {!isOwn && !isDirect && isFirst && sent && <Avatar user={sent.sender} />}
        <div className="bubble">
          {!isOwn && !isDirect && isFirst && sent && <strong className="sender">{sent.sender.name}</strong>}
          {quoted && <Quote message={quoted} onShow={() => onShowMessage(quoted.id)} />}
          <p className="content">
            {isDeleted ? <i>This message was deleted.</i> : <LinkedText text={message.content ?? ""} />}
          </p>
          <footer>
            {sent?.editedAt != null && !isDeleted && <span title={fullTimeOf(Date.parse(sent.editedAt))}>edited</span>}
            <time dateTime={new Date(sentAtMs).toISOString()} title={fullTimeOf(sentAtMs)}>
              {timeOf(sentAtMs)}
            </time>
            {isOwn && <MessageStatus row={row} view={view} />}
          </footer>
          {sent && can.reply && (
            <MessageActions
              onReply={() => props.onReply(sent)}
              onEdit={can.change ? () => props.onEdit(sent) : undefined}
              onDelete={can.change ? () => props.onDelete(sent) : undefined}
            />
          )}
        </div>
      </article>
    </>
  );
}

function labelOf(message: RoomMessage, sentAtMs: number): string {
  const who = message.position === undefined ? "You" : message.sender.name;
  return `${who}, ${timeOf(sentAtMs)}: ${message.content ?? "message deleted"}`;
}
