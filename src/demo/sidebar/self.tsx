import { Avatar } from "../parts/avatar.tsx";
import { LeaveIcon } from "../parts/icons.tsx";
import type { Session } from "../session.ts";

/** The user: name, status, and the way out. */
export function Self({ session: { userId, name }, onSignOut }: { session: Session; onSignOut: () => void }) {
  return (
    <header className="self">
      <Avatar user={{ id: userId, name, avatarUrl: null }} />
      <strong>{name}</strong>
      <button type="button" className="icon-button" aria-label="Sign out" title="Sign out" onClick={onSignOut}>
        <LeaveIcon />
      </button>
    </header>
  );
}
