import { useEffect, useMemo } from "react";
import { createIndexedDbStorage } from "../client/index.ts";
import { CauserieProvider, useChatClient, useInbox } from "../react/index.ts";
import { ConnectionBanner } from "./connection-banner.tsx";
import { Logo } from "./parts/icons.tsx";
import { Toasts } from "./parts/toasts.tsx";
import { IdleNotice } from "./presence/idle-notice.tsx";
import { keptStatus } from "./presence/own-status.ts";
import { RemovalNotices } from "./removal-notices.tsx";
import { useRoomId } from "./route.ts";
import { RoomView } from "./room/room-view.tsx";
import { signInByName, type Session } from "./session.ts";
import { Sidebar } from "./sidebar/sidebar.tsx";

export interface ChatProps {
  session: Session;
  onNewToken: (session: Session) => void;
  onSignOut: () => void;
}

/** The chat of one user: the rooms beside the one that is open, on a phone either of them. */
export function Chat({ session, onNewToken, onSignOut }: ChatProps) {
  const storage = useMemo(() => createIndexedDbStorage({ indexedDB }), []);
  const client = useChatClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    userId: session.userId,
    getToken: () => freshTokenOf(session),
    device: matchMedia("(pointer: coarse)").matches ? "MOBILE" : "WEB",
    status: keptStatus(session.userId),
    storage,
    network: window,
    // The page may talk to its own origin only.
    isRouted: false,
  });
  // Only now the client knows of a new token.
  useEffect(() => client?.wake(), [client, session.token]);
  const roomId = useRoomId();
  if (!client) return null;
  return (
    <CauserieProvider client={client}>
      <Title />
      <RemovalNotices />
      <div className="chat" data-open={roomId === undefined ? "rooms" : "room"}>
        <Sidebar session={session} openRoomId={roomId} onSignOut={onSignOut} />
        <main className="main">
          <IdleNotice />
          <ConnectionBanner session={session} onNewToken={onNewToken} />
          {roomId === undefined ? <NoRoom /> : <RoomView key={roomId} roomId={roomId} />}
        </main>
      </div>
      <Toasts />
    </CauserieProvider>
  );
}

/** A name is signed in with again: a token that was kept may be one of a server that has another key by now. */
async function freshTokenOf({ by, name, token }: Session): Promise<string> {
  return by === "name" ? (await signInByName(name)).token : token;
}

function NoRoom() {
  return (
    <div className="no-room">
      <Logo />
      <p>Choose a room, or begin a new one.</p>
    </div>
  );
}

function Title() {
  const { unreadCount } = useInbox();
  useEffect(() => {
    document.title = unreadCount === 0 ? "Causerie" : `(${unreadCount}) Causerie`;
    return () => {
      document.title = "Causerie";
    };
  }, [unreadCount]);
  return null;
}
