import { useEffect, useState } from "react";
import type { Message, RoomMessage } from "../../client/index.ts";
import { useClient, useInbox, useRoom, useTyping } from "../../react/index.ts";
import { ConfirmDialog } from "../parts/dialog.tsx";
import { attempt } from "../parts/toasts.tsx";
import { useCurrentRoom } from "../presence/current-room.ts";
import { Composer, type Intent } from "./composer.tsx";
import { Members } from "./members.tsx";
import { MessageList } from "./message-list.tsx";
import { RoomHeader } from "./room-header.tsx";
import { TypingLine } from "./typing-line.tsx";

/** The room that is open: its messages, what is being written, and on demand its members. */
export function RoomView({ roomId }: { roomId: string }) {
  const { userId } = useClient();
  const view = useRoom(roomId);
  const typing = useTyping(roomId);
  const summary = useInbox().rooms.find(({ id }) => id === roomId);
  // A room that the user was removed from keeps its name while it is looked at.
  const [known, setKnown] = useState(summary);
  useEffect(() => {
    if (summary) setKnown(summary);
  }, [summary]);
  const room = summary ?? known;
  const [intent, setIntent] = useState<Intent>();
  const [deleting, setDeleting] = useState<Message>();
  const [showsMembers, setShowsMembers] = useState(false);
  const isMember = view.status !== "left" && view.status !== "missing";
  useCurrentRoom(isMember ? roomId : null);

  function editLastOwn() {
    const last = view.messages.findLast((message) => isOwnAndThere(message, userId));
    if (last?.position !== undefined) setIntent({ kind: "edit", message: last });
  }

  if (view.status === "missing" && view.messages.length === 0)
    return (
      <div className="no-room">
        <p>There is no such room, or you are not in it.</p>
      </div>
    );
  return (
    <div className="room" data-members={showsMembers}>
      <RoomHeader
        room={room}
        roomId={roomId}
        members={view.members}
        isMember={isMember}
        showsMembers={showsMembers}
        onToggleMembers={() => setShowsMembers(!showsMembers)}
      />
      <MessageList
        roomId={roomId}
        view={view}
        isDirect={room?.kind === "DIRECT"}
        canWrite={isMember}
        unreadCount={summary?.unreadCount ?? 0}
        onReply={(message) => setIntent({ kind: "reply", message })}
        onEdit={(message) => setIntent({ kind: "edit", message })}
        onDelete={setDeleting}
      />
      <TypingLine users={typing.users} />
      {isMember ? (
        <Composer
          roomId={roomId}
          view={view}
          intent={intent}
          onInput={typing.onInput}
          onCleared={typing.onStop}
          onIntentDone={(done) => setIntent((now) => (now === done ? undefined : now))}
          onEditLast={editLastOwn}
        />
      ) : (
        <p className="notice" role="alert">
          You are no longer a member of this room. What was loaded stays here until you leave this page.
        </p>
      )}
      {showsMembers && room && (
        <Members room={room} members={view.members} isMember={isMember} onClose={() => setShowsMembers(false)} />
      )}
      {deleting && (
        <ConfirmDialog
          title="Delete this message?"
          text="Everybody in the room will see that it was deleted."
          action="Delete"
          onConfirm={() => void attempt("The message was not deleted", view.remove(deleting.id))}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </div>
  );
}

function isOwnAndThere(message: RoomMessage, userId: string): boolean {
  return message.position !== undefined && message.sender.id === userId && message.deletedAt === null;
}
