import type { Presence } from "../../client/index.ts";
import { agoOf, untilOf } from "../parts/time.ts";

/** How somebody's presence is drawn; `quiet`: does not want to be disturbed. */
export type Look = "online" | "away" | "busy" | "quiet" | "offline";

type Shown = Pick<Presence, "status" | "lastSeen" | "customStatus" | "doNotDisturbUntil">;

const words: Readonly<Record<Look, string>> = {
  online: "Online",
  away: "Away",
  busy: "Busy",
  quiet: "Do not disturb",
  offline: "Offline",
};

/** Who is not there is not disturbed either. */
export function lookOf({ status, doNotDisturbUntil }: Shown, nowMs: number): Look {
  if (status === "OFFLINE") return "offline";
  if (doNotDisturbUntil !== null && Date.parse(doNotDisturbUntil) > nowMs) return "quiet";
  return ({ ONLINE: "online", AWAY: "away", BUSY: "busy" } as const)[status];
}

/** How it is said. */
export interface SayOptions {
  /** The user's own: whoever sees it is not offline. */
  isOwn?: boolean;
}

/** "Online", "Do not disturb until 15:30", "Last seen 5 minutes ago". */
export function statusOf(presence: Shown, nowMs: number, { isOwn = false }: SayOptions = {}): string {
  const { lastSeen, doNotDisturbUntil } = presence;
  const look = lookOf(presence, nowMs);
  if (look === "quiet") return `${words.quiet} until ${untilOf(Date.parse(doNotDisturbUntil!), nowMs)}`;
  if (look === "offline" && isOwn) return "Appearing offline";
  if (look === "offline" && lastSeen !== null) return `Last seen ${agoOf(Date.parse(lastSeen), nowMs)}`;
  return words[look];
}

/** The status and what the user says of it in words of their own. */
export function fullStatusOf(presence: Shown, nowMs: number, options: SayOptions = {}): string {
  const status = statusOf(presence, nowMs, options);
  return presence.customStatus === null ? status : `${status} · ${presence.customStatus}`;
}
