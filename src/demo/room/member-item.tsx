import type { Member } from "../../client/index.ts";
import { useClient, usePresence } from "../../react/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { CloseIcon } from "../parts/icons.tsx";
import { attempt } from "../parts/toasts.tsx";
import { PresenceDot, PresenceText } from "../presence/presence-dot.tsx";
import { mayRemove, roleNames, roles } from "./roles.ts";

export interface MemberItemProps {
  roomId: string;
  member: Member;
  /** Who looks at it; undefined for a former member. */
  own: Member | undefined;
}

/** One who is in the room: who they are, whether they are there, and what the one who looks may do about them. */
export function MemberItem({ roomId, member, own }: MemberItemProps) {
  const { admin } = useClient();
  const { user } = member;
  const isOwn = member.id === own?.id;
  const isHere = usePresence(user.id)?.currentRoom?.id === roomId;

  function changeRole(role: Member["role"]) {
    void attempt(`${user.name}'s role was not changed`, admin.updateMember({ roomId, userId: user.id, role }));
  }

  function remove() {
    void attempt(`${user.name} was not removed`, admin.removeMember({ roomId, userId: user.id }));
  }

  return (
    <li>
      <Avatar user={user}>
        <PresenceDot userId={user.id} />
      </Avatar>
      <span className="member-name">
        {user.name}
        {isOwn && " (you)"}
        {own?.role === "OWNER" && !isOwn ? (
          <select
            className="role"
            aria-label={`Role of ${user.name}`}
            value={member.role}
            onChange={({ target }) => changeRole(target.value as Member["role"])}
          >
            {roles.map((role) => (
              <option key={role} value={role}>
                {roleNames[role]}
              </option>
            ))}
          </select>
        ) : (
          member.role !== "MEMBER" && <span className="role">{roleNames[member.role]}</span>
        )}
        <small>
          <span aria-hidden="true">
            <PresenceText userId={user.id} />
          </span>
          {isHere && !isOwn && <span className="here">In this room now</span>}
        </small>
      </span>
      {mayRemove(own, member) && (
        <button
          type="button"
          className="icon-button"
          aria-label={`Remove ${user.name}`}
          title="Remove"
          onClick={remove}
        >
          <CloseIcon />
        </button>
      )}
    </li>
  );
}
