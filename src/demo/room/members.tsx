import { useState } from "react";
import type { Member, RoomSummary, User } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { ConfirmDialog } from "../parts/dialog.tsx";
import { CloseIcon } from "../parts/icons.tsx";
import { attempt } from "../parts/toasts.tsx";
import { UserSearch } from "../parts/user-search.tsx";
import { PresenceDot, PresenceText } from "../presence/presence-dot.tsx";
import { noteLeaving } from "../removal-notices.tsx";
import { goToRooms } from "../route.ts";
import { nameOf } from "../sidebar/room-list.tsx";

export interface MembersProps {
  room: RoomSummary;
  members: readonly Member[];
  isMember: boolean;
  onClose: () => void;
}

/** Who is in the room; who may, adds and removes people here. */
export function Members({ room, members, isMember, onClose }: MembersProps) {
  const { admin, userId } = useClient();
  const [leaving, setLeaving] = useState(false);
  const own = members.find(({ user }) => user.id === userId);
  const isManager = isMember && (own?.role === "OWNER" || own?.role === "ADMIN");

  function add(user: User) {
    void attempt(`${user.name} was not added`, admin.addMember({ roomId: room.id, userId: user.id, role: "MEMBER" }));
  }

  function remove({ user }: Member) {
    void attempt(`${user.name} was not removed`, admin.removeMember({ roomId: room.id, userId: user.id }));
  }

  async function leave() {
    const takeBack = noteLeaving(room.id);
    const left = await attempt("You are still in the room", admin.removeMember({ roomId: room.id, userId }));
    if (left) goToRooms();
    else takeBack();
  }

  return (
    <aside className="members" aria-label="Members">
      <header>
        <h2>Members</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
          <CloseIcon />
        </button>
      </header>
      {isManager && (
        <UserSearch label="Add somebody" without={new Set(members.map(({ user }) => user.id))} onChoose={add} />
      )}
      <ul>
        {members.map((member) => (
          <li key={member.id}>
            <Avatar user={member.user}>
              <PresenceDot userId={member.user.id} />
            </Avatar>
            <span className="member-name">
              {member.user.name}
              {member.user.id === userId && " (you)"}
              {member.role !== "MEMBER" && <span className="role">{member.role === "OWNER" ? "Owner" : "Admin"}</span>}
              <small aria-hidden="true">
                <PresenceText userId={member.user.id} />
              </small>
            </span>
            {isManager && mayRemove(own, member) && (
              <button
                type="button"
                className="icon-button"
                aria-label={`Remove ${member.user.name}`}
                title="Remove"
                onClick={() => remove(member)}
              >
                <CloseIcon />
              </button>
            )}
          </li>
        ))}
      </ul>
      {isMember && (
        <button type="button" className="button" onClick={() => setLeaving(true)}>
          Leave the room
        </button>
      )}
      {leaving && (
        <ConfirmDialog
          title={`Leave “${nameOf(room)}”?`}
          text="You come back only when somebody adds you."
          action="Leave"
          onConfirm={() => void leave()}
          onClose={() => setLeaving(false)}
        />
      )}
    </aside>
  );
}

function mayRemove(own: Member | undefined, member: Member): boolean {
  return member.id !== own?.id && (own?.role === "OWNER" || member.role === "MEMBER");
}
