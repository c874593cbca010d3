import { useState } from "react";
import { useConnectionState, usePresence } from "../../react/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { LeaveIcon } from "../parts/icons.tsx";
import { useChoice } from "../presence/own-status.ts";
import { PresenceDot, PresenceText } from "../presence/presence-dot.tsx";
import { StatusDialog } from "../presence/status-dialog.tsx";
import type { Session } from "../session.ts";

/** The user: name, status and how to change it, and the way out. */
export function Self({ session: { userId, name }, onSignOut }: { session: Session; onSignOut: () => void }) {
  const presence = usePresence(userId);
  const { status } = useConnectionState();
  const [choice, setChoice] = useChoice();
  const [isChoosing, setChoosing] = useState(false);
  return (
    <header className="self">
      <button type="button" className="self-status" title="Change your status" onClick={() => setChoosing(true)}>
        <Avatar user={{ id: userId, name, avatarUrl: null }}>
          <PresenceDot userId={userId} />
        </Avatar>
        <strong>{name}</strong>
        <small aria-hidden="true">
          <PresenceText userId={userId} otherwise={status === "offline" ? "Not connected" : "Connecting…"} />
        </small>
        <span className="for-readers">, change your status</span>
      </button>
      <button type="button" className="icon-button" aria-label="Sign out" title="Sign out" onClick={onSignOut}>
        <LeaveIcon />
      </button>
      {isChoosing && (
        <StatusDialog presence={presence} choice={choice} onChoose={setChoice} onClose={() => setChoosing(false)} />
      )}
    </header>
  );
}
