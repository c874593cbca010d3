import type { CountedSession } from "./presence-board.sum.ts";
import type { Device, PresenceStatus } from "./presence-board.ts";

/**
 * The version of a bucket, `<born>.<count>.<tag>`: when the bucket began, how many changes there were since, and something
 * that no other version has. What has the same text has the same content. Nothing was written yet: "".
 */
export interface BucketVersion {
  readonly text: string;
  readonly born: number;
  readonly count: number;
}

const versionForm = /^(\d{1,16})\.(\d{1,15})\.[\w-]{1,64}$/;

/** Null where the text is no version. */
export function parseVersion(text: unknown): BucketVersion | null {
  if (text === "") return { text: "", born: 0, count: 0 };
  const [matched, born, count] = versionForm.exec(String(text)) ?? [];
  return matched === undefined ? null : { text: matched, born: Number(born), count: Number(count) };
}

export function isLater(one: BucketVersion, other: BucketVersion): boolean {
  return one.born === other.born ? one.count > other.count : one.born > other.born;
}

export interface StoredSession extends CountedSession {
  /** Under which it was written. */
  readonly epoch: string;
}

/** A user as Redis holds it. */
export interface StoredUser {
  readonly sessions: readonly StoredSession[];
  readonly seenMs: number;
  readonly profileRevision: number;
}

/** The second word tells the scripts whether the session is visible. */
export function encodeSession(epoch: string, session: CountedSession): string {
  const { status, device, roomId, changedAtMs } = session;
  return [epoch, status === "OFFLINE" ? 0 : 1, status, device, Math.floor(changedAtMs), roomId ?? ""].join(" ");
}

const sessionForm = /^(\S+) [01] (ONLINE|AWAY|BUSY|OFFLINE) (WEB|MOBILE|DESKTOP) (\d{1,16}) (.*)$/s;

function parseSession(sessionId: string, text: string): StoredSession | null {
  const [matched, epoch = "", status, device, changedAtMs, room] = sessionForm.exec(text) ?? [];
  if (matched === undefined) return null;
  return {
    sessionId,
    epoch,
    status: status as PresenceStatus,
    device: device as Device,
    roomId: room || null,
    changedAtMs: Number(changedAtMs),
  };
}

/** Of field, value, …. What is not understood is passed over: a newer version of the server may have written it. */
export function parseUser(fields: unknown): StoredUser {
  const sessions: StoredSession[] = [];
  let [seenMs, profileRevision] = [0, 0];
  const words = Array.isArray(fields) ? fields.map(String) : [];
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [field = "", value = ""] = words.slice(at, at + 2);
    const session = field.startsWith("s:") ? parseSession(field.slice(2), value) : null;
    if (session !== null) sessions.push(session);
    if (field === "seen") seenMs = Number(value) || 0;
    if (field === "profile") profileRevision = Number(value) || 0;
  }
  return { sessions, seenMs, profileRevision };
}

/** One change of a bucket: the users it touched, each as a whole. */
export interface Announcement {
  readonly previous: string;
  readonly version: BucketVersion;
  readonly users: ReadonlyMap<string, StoredUser>;
}

/** `reply` is what presence-write gives after 'written': previous, version, user id, fields, …. */
export function announcementOf(reply: readonly unknown[]): Announcement | null {
  const [previous, versionText, ...rest] = reply;
  const version = parseVersion(versionText);
  if (version === null || parseVersion(previous) === null) return null;
  const users = new Map<string, StoredUser>();
  for (let at = 0; at + 1 < rest.length; at += 2) users.set(String(rest[at]), parseUser(rest[at + 1]));
  return { previous: String(previous), version, users };
}

/** As it was announced by another node; null where it is not such a text. */
export function parseAnnouncement(text: string): Announcement | null {
  try {
    const reply: unknown = JSON.parse(text);
    return Array.isArray(reply) ? announcementOf(reply) : null;
  } catch {
    // Not ours: whoever compares versions finds what is missing.
    return null;
  }
}
