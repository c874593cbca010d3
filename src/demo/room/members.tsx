import { useState } from "react";
import type { Member, RoomSummary, User } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { ConfirmDialog } from "../parts/dialog.tsx";
import { CloseIcon } from "../parts/icons.tsx";
import { attempt } from "../parts/toasts.tsx";
import { UserSearch } from "../parts/user-search.tsx";
import { noteLeaving } from "../removal-notices.tsx";
import { goToRooms } from "../route.ts";
import { nameOf } from "../sidebar/room-list.tsx";
import { MemberItem } from "./member-item.tsx";
import { isManager } from "./roles.ts";

export interface MembersProps {
  room: RoomSummary;
  members: readonly Member[];
  isMember: boolean;
  onClose: () => void;
}

/** Who is in the room; who may, adds and removes people here and says what they may do. */
export function Members({ room, members, isMember, onClose }: MembersProps) {
  const { admin, userId } = useClient();
  const [leaving, setLeaving] = useState(false);
  const own = members.find(({ user }) => user.id === userId);

  function add(user: User) {
    void attempt(`${user.name} was not added`, admin.addMember({ roomId: room.id, userId: user.id, role: "MEMBER" }));
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
      {isMember && isManager(own) && (
        <UserSearch label="Add somebody" without={new Set(members.map(({ user }) => user.id))} onChoose={add} />
      )}
      <ul>
        {members.map((member) => (
          <MemberItem key={member.id} roomId={room.id} member={member} own={isMember ? own : undefined} />
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
