import { useId } from "react";
import type { PendingMessage, Reader } from "../../client/index.ts";
import type { RoomView } from "../../react/index.ts";
import { ClockIcon } from "../parts/icons.tsx";
import { fullTimeOf } from "../parts/time.ts";
import type { Row } from "./rows.ts";

/** From so many readers on they are "many". */
const many = 5;
const maxNamed = 12;

/** What became of one's own message: queued, ✓ sent, ✓✓ read by so many, or failed. */
export function MessageStatus({ row, view }: { row: Row; view: RoomView }) {
  const { message } = row;
  if (message.position === undefined) return <Waiting message={message} view={view} />;
  if (message.deletedAt !== null) return null;
  const readers = view.receipts.readersOf(message);
  const isShort = !row.isLast;
  if (readers.length > 0) return <ReadBy readers={readers} isShort={isShort} />;
  return (
    <span className="status">
      <Ticks ticks="✓" text="sent" isShort={isShort} />
    </span>
  );
}

/** Of several messages in a row only the last one says it in words. */
function Ticks({ ticks, text, isShort }: { ticks: string; text: string; isShort: boolean }) {
  return (
    <>
      {ticks} <span className={isShort ? "for-readers" : undefined}>{text}</span>
    </>
  );
}

function Waiting({ message, view }: { message: PendingMessage; view: RoomView }) {
  const { status, failure, lastError, clientMessageId } = message;
  if (status !== "failed")
    return (
      <span className="status waiting" title={lastError?.message}>
        <ClockIcon /> {status === "sending" ? "sending" : "queued"}
      </span>
    );
  return (
    <span className="status failed">
      <span role="alert">Not sent: {failure?.message ?? "the server refused it."}</span>
      <button type="button" className="link" onClick={() => void view.retry(clientMessageId)}>
        Try again
      </button>
      <button type="button" className="link" onClick={() => void view.discard(clientMessageId)}>
        Discard
      </button>
    </span>
  );
}

/** Who and when is told on pointing at it, and on focus. */
function ReadBy({ readers, isShort }: { readers: readonly Reader[]; isShort: boolean }) {
  const id = useId();
  const text = readers.length < many ? `read by ${readers.length}` : "read by many";
  return (
    <span className="status read">
      <button type="button" className="plain" aria-describedby={id}>
        <Ticks ticks="✓✓" text={text} isShort={isShort} />
      </button>
      <span className="tip" role="tooltip" id={id}>
        {readers.slice(0, maxNamed).map(({ user, readAt }) => (
          <span key={user.id}>
            {user.name} <time dateTime={readAt}>{fullTimeOf(Date.parse(readAt))}</time>
          </span>
        ))}
        {readers.length > maxNamed && <span>and {readers.length - maxNamed} others</span>}
      </span>
    </span>
  );
}
