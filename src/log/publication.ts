import type { Change, MessageRow, RoomRow, UserRow } from "./changes.ts";
import { kindOf } from "./changes.ts";
import { isJsonObject, parseJsonObject, type JsonObject } from "../json-object.ts";
import { isTraceHeaders, type TraceHeaders } from "../tracing.ts";
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
  /** When it was published, right after the commit, by its node's clock: milliseconds since 1970. */
  committedAtMs?: number;
  /** The span that it belongs to, as W3C Trace Context has it. */
  trace?: TraceHeaders;
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
  const publication = parseJsonObject(text.slice(text.indexOf(" ") + 1));
  return isPublication(publication, roomId) ? publication : null;
}

function isPublication(value: JsonObject | null, roomId: string): value is Publication {
  if (value?.roomId !== roomId) return false;
  if (!Array.isArray(value.changes) || value.changes.length === 0) return false;
  if (
    !isListOf(
      value.users,
      (user) => isText(user.id) && isText(user.name) && (user.avatarUrl === null || isText(user.avatarUrl)),
    )
  )
    return false;
  if (!isListOf(value.messages, (message) => isMessage(message, roomId))) return false;
  if (value.room !== null && !isRoom(value.room, roomId)) return false;
  if (value.committedAtMs !== undefined && !isTime(value.committedAtMs)) return false;
  if (value.trace !== undefined && !isTraceHeaders(value.trace)) return false;
  const changes: unknown[] = value.changes;
  return changes.every(
    (change, index) => isChange(change, roomId) && change.revision === (changes[0] as Change).revision + index,
  );
}

function isRoom(value: unknown, roomId: string): boolean {
  if (!isJsonObject(value) || value.id !== roomId || !(value.name === null || isText(value.name))) return false;
  const { memberCount, revision, roomRevision, memberRevision } = value;
  return [memberCount, revision, roomRevision, memberRevision].every((count) => count === 0 || isRevision(count));
}

function isChange(value: unknown, roomId: string): value is Change {
  if (!isJsonObject(value) || !isText(value.type) || !Object.hasOwn(kindOf, value.type) || !isRevision(value.revision))
    return false;
  switch (kindOf[value.type as Change["type"]]) {
    case "MESSAGE":
      return isMessage(value.message, roomId);
    case "MEMBER":
      return isMember(value.member, roomId);
    case "RECEIPT":
      return isListOf(
        value.ranges,
        (range) =>
          isText(range.readerId) && isRevision(range.from) && isRevision(range.through) && isTime(range.readAt),
      );
    default:
      return true;
  }
}

function isMember(value: unknown, roomId: string): boolean {
  return (
    isJsonObject(value) &&
    value.roomId === roomId &&
    isText(value.userId) &&
    isText(value.role) &&
    isRevision(value.revision) &&
    isRevision(value.joinedRevision) &&
    isTime(value.joinedAt) &&
    (value.leftRevision === null || isRevision(value.leftRevision)) &&
    (value.leftAt === null || isTime(value.leftAt))
  );
}

function isMessage(value: unknown, roomId: string): boolean {
  return (
    isJsonObject(value) &&
    isMessageId(value.id) &&
    value.roomId === roomId &&
    isText(value.senderId) &&
    isText(value.hlc) &&
    isText(value.clientMessageId) &&
    isRevision(value.position) &&
    isRevision(value.revision) &&
    isTime(value.sentAt) &&
    [value.editedAt, value.deletedAt].every((time) => time === null || isTime(time)) &&
    (value.content === null || isText(value.content)) &&
    (value.replyToId === null || isMessageId(value.replyToId))
  );
}

const isText = (value: unknown): value is string => typeof value === "string";
const isMessageId = (value: unknown): boolean => isText(value) && isId(value);
const isTime = (value: unknown): boolean => Number.isFinite(value);
const isRevision = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 0;
const isListOf = (value: unknown, check: (item: JsonObject) => boolean): boolean =>
  Array.isArray(value) && value.every((item) => isJsonObject(item) && check(item));
