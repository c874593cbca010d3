import { useSyncExternalStore } from "react";

const roomPrefix = "#/rooms/";

/** The room that the address names; undefined: the list of rooms. */
export function useRoomId(): string | undefined {
  return useSyncExternalStore(subscribe, readRoomId);
}

export function hrefOf(roomId: string): string {
  return roomPrefix + encodeURIComponent(roomId);
}

export function goToRoom(roomId: string): void {
  location.hash = hrefOf(roomId);
}

export function goToRooms(): void {
  location.hash = "#/";
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

function readRoomId(): string | undefined {
  if (!location.hash.startsWith(roomPrefix)) return undefined;
  try {
    return decodeURIComponent(location.hash.slice(roomPrefix.length)) || undefined;
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // No address of ours.
    return undefined;
  }
}
