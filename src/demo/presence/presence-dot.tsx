import { useClient, usePresence } from "../../react/index.ts";
import { useNowMs } from "../parts/time.ts";
import { fullStatusOf, lookOf } from "./look.ts";

/** The user's presence as a dot for the corner of a picture: told apart by its form too, and in words for whoever points at it or listens. */
export function PresenceDot({ userId }: { userId: string }) {
  const presence = usePresence(userId);
  const isOwn = useClient().userId === userId;
  const nowMs = useNowMs();
  if (!presence) return null;
  const text = fullStatusOf(presence, nowMs, { isOwn });
  return (
    <span className="presence-dot" data-look={lookOf(presence, nowMs)} title={text}>
      <span className="for-readers">{text}</span>
    </span>
  );
}

/** The same in words. `otherwise`: while it is not known. */
export function PresenceText({ userId, otherwise = "" }: { userId: string; otherwise?: string }) {
  const presence = usePresence(userId);
  const isOwn = useClient().userId === userId;
  const nowMs = useNowMs();
  return presence ? fullStatusOf(presence, nowMs, { isOwn }) : otherwise;
}
