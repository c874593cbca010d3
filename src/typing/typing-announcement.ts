import { isUserId } from "../accounts/user-id.ts";
import { parseJsonObject } from "../json-object.ts";
import type { UserRow } from "../log/changes.ts";

/** Of the one who types, and of what stays of it. */
export type Typist = { readonly user: UserRow; readonly leftMs: number };

/**
 * What one node tells the others of one room. `typing`: these users type there, for so long unless told again; `stopped`:
 * this one does no more; `asked`: who types at your node?
 */
export type TypingAnnouncement =
  | { readonly kind: "typing"; readonly source: string; readonly typists: readonly Typist[] }
  | { readonly kind: "stopped"; readonly source: string; readonly userId: string }
  | { readonly kind: "asked"; readonly source: string };

export const typingChannel = (roomId: string): string => `typing:${roomId}`;

/** An announcement that goes on without being told again lasts so long. */
export const lifetimeMs = 5_000;

export const encodeTyping = (announcement: TypingAnnouncement): string => JSON.stringify(announcement);

const maxSourceCharacters = 64;
const maxProfileCharacters = 4_096;
/** Of one announcement; what is beyond is passed over. */
const maxTypists = 100;

/** Null for whatever is no announcement: the bus is shared, and what comes from it is not trusted. */
export function decodeTyping(text: string): TypingAnnouncement | null {
  const value = parseJsonObject(text);
  if (value === null) return null;
  const { kind, source, userId, typists } = value;
  if (typeof source !== "string" || source.length > maxSourceCharacters) return null;
  if (kind === "asked") return { kind, source };
  if (kind === "stopped") return typeof userId === "string" ? { kind, source, userId } : null;
  if (kind !== "typing" || !Array.isArray(typists)) return null;
  return { kind, source, typists: typists.slice(0, maxTypists).flatMap((each) => typistOf(each) ?? []) };
}

function typistOf(value: unknown): Typist | null {
  const { user, leftMs } = (value ?? {}) as { user?: Partial<Record<keyof UserRow, unknown>>; leftMs?: unknown };
  const { id, name, avatarUrl = null } = user ?? {};
  if (typeof id !== "string" || !isUserId(id) || !isProfileText(name)) return null;
  if (avatarUrl !== null && !isProfileText(avatarUrl)) return null;
  if (typeof leftMs !== "number" || !(leftMs > 0)) return null;
  return { user: { id, name, avatarUrl }, leftMs: Math.min(leftMs, lifetimeMs) };
}

const isProfileText = (value: unknown): value is string =>
  typeof value === "string" && value.length <= maxProfileCharacters;
