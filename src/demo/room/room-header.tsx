import { useState } from "react";
import type { Member, RoomSummary } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Avatar, RoomAvatar } from "../parts/avatar.tsx";
import { BackIcon, EditIcon, PeopleIcon } from "../parts/icons.tsx";
import { PresenceDot, PresenceText } from "../presence/presence-dot.tsx";
import { nameOf } from "../sidebar/room-list.tsx";
import { RenameRoomDialog } from "./rename-room.tsx";
import { isManager } from "./roles.ts";

export interface RoomHeaderProps {
  room: RoomSummary | undefined;
  roomId: string;
  members: readonly Member[];
  isMember: boolean;
  showsMembers: boolean;
  onToggleMembers: () => void;
}

/** Which room this is, and who is there. */
export function RoomHeader({ room, roomId, members, isMember, showsMembers, onToggleMembers }: RoomHeaderProps) {
  const { userId } = useClient();
  const name = room ? nameOf(room) : "";
  const [renaming, setRenaming] = useState(false);
  const own = members.find(({ user }) => user.id === userId);
  const others = members.filter(({ user }) => user.id !== userId).map(({ user }) => user.name);
  return (
    <header className="room-header">
      <a className="icon-button back" href="#/" aria-label="All rooms">
        <BackIcon />
      </a>
      {room?.peer ? (
        <Avatar user={room.peer}>
          <PresenceDot userId={room.peer.id} />
        </Avatar>
      ) : (
        <RoomAvatar id={roomId} name={name} />
      )}
      <div className="room-title">
        <h1>{name}</h1>
        <p>
          {room?.peer && <PresenceText userId={room.peer.id} />}
          {room?.kind === "GROUP" && (isMember ? membersText(room.memberCount, others) : "You are no longer a member")}
        </p>
      </div>
      {room?.kind === "GROUP" && isMember && isManager(own) && (
        <button
          type="button"
          className="icon-button"
          aria-label="Rename the room"
          title="Rename"
          onClick={() => setRenaming(true)}
        >
          <EditIcon />
        </button>
      )}
      {renaming && room && <RenameRoomDialog room={room} onClose={() => setRenaming(false)} />}
      {room?.kind === "GROUP" && isMember && (
        <button
          type="button"
          className="icon-button"
          aria-label="Members"
          title="Members"
          aria-expanded={showsMembers}
          onClick={onToggleMembers}
        >
          <PeopleIcon />
        </button>
      )}
    </header>
  );
}

function membersText(count: number, others: readonly string[]): string {
  if (count === 1) return "1 member";
  return `${count} members${others.length > 0 ? `: ${listOf(others)}` : ""}`;
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 4);
  return names.length > shown.length ? `${shown.join(", ")}…` : ["You", ...shown].join(", ");
}
