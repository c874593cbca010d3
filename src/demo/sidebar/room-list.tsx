import type { RoomSummary } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Avatar, RoomAvatar } from "../parts/avatar.tsx";
import { shortTimeOf, useNowMs } from "../parts/time.ts";
import { PresenceDot } from "../presence/presence-dot.tsx";
import { hrefOf } from "../route.ts";

/** The user's rooms, latest activity first. */
export function RoomList({ rooms, openRoomId }: { rooms: readonly RoomSummary[]; openRoomId: string | undefined }) {
  const nowMs = useNowMs();
  return (
    <ul>
      {rooms.map((room) => (
        <li key={room.id}>
          <RoomItem room={room} isOpen={room.id === openRoomId} nowMs={nowMs} />
        </li>
      ))}
    </ul>
  );
}

function RoomItem({ room, isOpen, nowMs }: { room: RoomSummary; isOpen: boolean; nowMs: number }) {
  const { lastMessage, unreadCount, peer } = room;
  const sentAtMs = lastMessage ? Date.parse(lastMessage.sentAt) : undefined;
  return (
    <a className="room-item" href={hrefOf(room.id)} aria-current={isOpen ? "page" : undefined}>
      {peer ? (
        <Avatar user={peer}>
          <PresenceDot userId={peer.id} />
        </Avatar>
      ) : (
        <RoomAvatar id={room.id} name={nameOf(room)} />
      )}
      <span className="room-item-name">{nameOf(room)}</span>
      {sentAtMs !== undefined && <time dateTime={lastMessage!.sentAt}>{shortTimeOf(sentAtMs, nowMs)}</time>}
      <span className="room-item-last">
        <LastMessage room={room} />
      </span>
      {unreadCount > 0 && (
        <span className="badge">
          {unreadCount > 99 ? "99+" : unreadCount}
          <span className="for-readers"> unread</span>
        </span>
      )}
    </a>
  );
}

function LastMessage({ room: { lastMessage, kind } }: { room: RoomSummary }) {
  const { userId } = useClient();
  if (!lastMessage) return "No messages yet";
  const { sender, content } = lastMessage;
  const who = sender.id === userId ? "You: " : kind === "DIRECT" ? "" : `${sender.name}: `;
  return content === null ? <i>{who}message deleted</i> : who + content;
}

/** A direct room is named after the other one. */
export function nameOf({ name, peer }: Pick<RoomSummary, "name" | "peer">): string {
  return name ?? peer?.name ?? "Direct messages";
}
