import type { KeyValueStorage } from "../../src/client/storage.ts";

/** Puts into a storage how far a device has come. */
export function keepPosition(
  storage: KeyValueStorage,
  { url, userId, cursors }: { url: string; userId: string; cursors: string[] },
): Promise<void> {
  const entries = cursors.map((cursor) => cursor.split("."));
  const key = `causerie/sync/${encodeURIComponent(url)}/${encodeURIComponent(userId)}`;
  return storage.set(key, JSON.stringify(entries));
}
