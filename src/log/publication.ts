import type { Change, MessageRow, RoomRow, UserRow } from "./changes.ts";
import { kindOf } from "./changes.ts";
import { isId } from "./ids.ts";

/** What one commit changed in one room, with what its readers usually ask for besides. */
export type Publication = {
  roomId: string;
  /** Of consecutive revisions. */
  changes: Change[];
  /** Users that the changes name. */
  users: UserRow[];
  /** Messages that the changes answer. */
  messages: MessageRow[];
  /** The room after these changes; null where they changed nothing of it. */
  room: RoomRow | null;
};

export const roomChannel = (roomId: string) => `room:${roomId}`;

/** `<node id> <JSON>`, so that a node knows its own echo without parsing it. */
export function encodePublication(nodeId: string, publication: Publication): string {
  return `${nodeId} ${JSON.stringify(publication)}`;
}

export function isEcho(nodeId: string, text: string): boolean {
  return text.startsWith(nodeId) && text[nodeId.length] === " ";
}

/** Null for whatever is not a publication of this room: the bus is shared, and what comes from it is not trusted. */
export function decodePublication(roomId: string, text: string): Publication | null {
  let publication: Publication;
  try {
    publication = JSON.parse(text.slice(text.indexOf(" ") + 1)) as Publication;
  } catch {
    return null;
  }
  return isPublication(publication) && publication.roomId === roomId ? publication : null;
}

function isPublication(value: unknown): value is Publication {
  if (!isObject(value) || !Array.isArray(value.changes) || value.changes.length === 0) return false;
  if (!isListOf(value.users, (user) => isText(user.id) && isText(user.name))) return false;
  if (!isListOf(value.messages, isMessage)) return false;
  if (
    value.room !== null &&
    !(isObject(value.room) && isText(value.room.id) && Number.isSafeInteger(value.room.memberCount))
  )
    return false;
  const first = (value.changes[0] as Change).revision;
  return value.changes.every((change: unknown, index: number) => isChange(change) && change.revision === first + index);
}

function isChange(value: unknown): value is Change {
  if (!isObject(value) || !isText(value.type) || !Object.hasOwn(kindOf, value.type) || !isRevision(value.revision))
    return false;
  switch (kindOf[value.type as Change["type"]]) {
    case "MESSAGE":
      return isMessage(value.message);
    case "MEMBER":
      return (
        isObject(value.member) &&
        isText(value.member.userId) &&
        isText(value.member.role) &&
        isRevision(value.member.joinedRevision)
      );
    case "RECEIPT":
      return isListOf(
        value.ranges,
        (range) =>
          isText(range.readerId) &&
          isRevision(range.from) &&
          isRevision(range.through) &&
          Number.isFinite(range.readAt),
      );
    default:
      return true;
  }
}

function isMessage(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value.id) &&
    isId(value.id) &&
    isText(value.roomId) &&
    isText(value.senderId) &&
    isText(value.hlc) &&
    isText(value.clientMessageId) &&
    isRevision(value.position) &&
    isRevision(value.revision) &&
    Number.isFinite(value.sentAt) &&
    (value.content === null || isText(value.content))
  );
}

type Fields = Record<string, unknown>;
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === "string";
const isRevision = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isListOf = (value: unknown, check: (item: Fields) => boolean): boolean =>
  Array.isArray(value) && value.every((item) => isObject(item) && check(item));
