import type { Message, RoomMessage } from "../../client/index.ts";
import type { Row } from "./rows.ts";

export type Quoted = NonNullable<Message["replyTo"]>;

/** The message that was replied to. */
export function Quote({ message, onShow }: { message: Quoted; onShow?: () => void }) {
  const { sender, content } = message;
  const inner = (
    <>
      {onShow && <span className="for-readers">In reply to </span>}
      <strong>{sender.name}</strong>
      <span>{content ?? <i>This message was deleted.</i>}</span>
    </>
  );
  if (!onShow) return <div className="quote">{inner}</div>;
  return (
    <button type="button" className="quote" onClick={onShow}>
      {inner}
    </button>
  );
}

/** A message that waits says only the id of what it replies to. */
export function quotedBy(message: RoomMessage, rows: readonly Row[]): Quoted | undefined {
  if (message.position !== undefined) return message.replyTo ?? undefined;
  const { replyToId } = message;
  if (replyToId === undefined) return undefined;
  const found = rows.find((row) => row.message.position !== undefined && row.message.id === replyToId)?.message;
  return found?.position === undefined ? undefined : found;
}
