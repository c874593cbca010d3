import { useState } from "react";
import { useInbox } from "../../react/index.ts";
import { PersonIcon, PlusIcon } from "../parts/icons.tsx";
import type { Session } from "../session.ts";
import { NewDirectDialog } from "./new-direct.tsx";
import { NewRoomDialog } from "./new-room.tsx";
import { RoomList } from "./room-list.tsx";
import { Self } from "./self.tsx";

export interface SidebarProps {
  session: Session;
  openRoomId: string | undefined;
  onSignOut: () => void;
}

/** Who the user is, and the user's rooms. */
export function Sidebar({ session, openRoomId, onSignOut }: SidebarProps) {
  const { status, rooms } = useInbox();
  const [dialog, setDialog] = useState<"room" | "direct">();
  const close = () => setDialog(undefined);
  return (
    <div className="sidebar">
      <Self session={session} onSignOut={onSignOut} />
      <div className="sidebar-actions">
        <button type="button" className="button" onClick={() => setDialog("direct")}>
          <PersonIcon /> New message
        </button>
        <button type="button" className="button" onClick={() => setDialog("room")}>
          <PlusIcon /> New room
        </button>
      </div>
      <nav className="rooms" aria-label="Rooms">
        {openRoomId === undefined && <h1 className="for-readers">Causerie</h1>}
        <RoomList rooms={rooms} openRoomId={openRoomId} />
        {rooms.length === 0 && (
          <p className="hint">{status === "loading" ? "Loading your rooms…" : "You are in no room yet."}</p>
        )}
      </nav>
      {dialog === "room" && <NewRoomDialog onClose={close} />}
      {dialog === "direct" && <NewDirectDialog onClose={close} />}
    </div>
  );
}
