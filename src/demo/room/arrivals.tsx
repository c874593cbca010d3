import { useEffect, useRef, useState } from "react";
import type { Message } from "../../client/index.ts";
import type { Row } from "./rows.ts";

/** Has others' messages read out as they arrive; not those that scrolling brings into the document. */
export function Arrivals({ rows, isLoaded }: { rows: readonly Row[]; isLoaded: boolean }) {
  const lastPosition = useRef<string>(undefined);
  const [arrived, setArrived] = useState<readonly Message[]>([]);
  useEffect(() => {
    const before = lastPosition.current;
    const last = rows.findLast(({ message }) => message.position !== undefined)?.message.position;
    lastPosition.current = last ?? before ?? (isLoaded ? "" : undefined);
    if (before === undefined) return;
    const from = rows.findLastIndex(({ message }) => message.position !== undefined && message.position <= before) + 1;
    const newer = rows
      .slice(from)
      .flatMap(({ message, isOwn }) => (message.position === undefined || isOwn ? [] : [message]));
    if (newer.length > 0) setArrived(newer);
  }, [rows, isLoaded]);
  return (
    <div className="for-readers" aria-live="polite">
      {/* Elements of their own: the same words come to be read out again. */}
      {arrived.map(({ position, sender, content }) => (
        <p key={position}>{`${sender.name}: ${content ?? "message deleted"}`}</p>
      ))}
    </div>
  );
}
