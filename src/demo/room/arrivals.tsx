import { useEffect, useRef, useState } from "react";
import type { Row } from "./rows.ts";

/** Has others' messages read out as they arrive; not those that scrolling brings into the document. */
export function Arrivals({ rows }: { rows: readonly Row[] }) {
  const lastPosition = useRef<string>(undefined);
  const [text, setText] = useState("");
  useEffect(() => {
    const last = rows.findLast(({ message }) => message.position !== undefined);
    const message = last?.message;
    if (message?.position === undefined) return;
    const isNew = lastPosition.current !== undefined && message.position > lastPosition.current;
    lastPosition.current = message.position;
    if (isNew && !last!.isOwn) setText(`${message.sender.name}: ${message.content ?? "message deleted"}`);
  }, [rows]);
  return (
    <p className="for-readers" aria-live="polite">
      {text}
    </p>
  );
}
