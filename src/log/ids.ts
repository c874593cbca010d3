import { createHash, randomBytes } from "node:crypto";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What stands in an erased user's place has an id that begins so; no token's can. */
export const erasedIdPrefix = "erased:";

export function isErasedId(userId: string): boolean {
  return userId.startsWith(erasedIdPrefix);
}

/** Room and message ids are UUIDs in lower case. Anything else was never given. */
export function isId(text: string): boolean {
  return uuid.test(text);
}

/** A new id whose order is roughly that of creation (UUID version 7, RFC 9562), which keeps indexes dense. */
export function newId(nowMs = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(nowMs, 0, 6);
  return asUuid(bytes, 0x70);
}

/** The same parts, the same id (UUID version 8, from SHA-256); nobody can find other parts with that id. */
export function derivedId(...parts: string[]): string {
  return asUuid(createHash("sha256").update(JSON.stringify(parts)).digest().subarray(0, 16), 0x80);
}

function asUuid(bytes: Buffer, version: number): string {
  bytes[6] = (bytes[6]! & 0x0f) | version;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
