import { parseJsonObject } from "../json-object.ts";

/** Whether anybody can have this id; what cannot be one never reaches a statement. */
export function isUserId(id: string): boolean {
  return id.length > 0 && id.length <= 255 && id.isWellFormed() && !id.includes("\0");
}

/** The one in `{"userId": "…"}`; null for whatever is not that: what comes from elsewhere is not trusted. */
export function userIdIn(text: string): string | null {
  const userId = parseJsonObject(text)?.userId;
  return typeof userId === "string" && isUserId(userId) ? userId : null;
}
