import { useSyncExternalStore } from "react";

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat("en", { weekday: "long" });
const date = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const dateOfYear = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const shortDate = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

export function timeOf(atMs: number): string {
  return clock.format(atMs);
}

export function fullTimeOf(atMs: number): string {
  return full.format(atMs);
}

/** The same for all times of one day where the user is. */
export function dayOf(atMs: number): number {
  return new Date(atMs).setHours(0, 0, 0, 0);
}

/** "Today", "Yesterday", "Monday", "Monday 3 March", "3 March 2024". */
export function dayName(atMs: number, nowMs: number): string {
  const days = daysAgo(atMs, nowMs);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  if (days > 1 && days < 7) return weekday.format(atMs);
  return isThisYear(atMs, nowMs) ? date.format(atMs) : dateOfYear.format(atMs);
}

/** For lists: the time of today, the day before that. */
export function shortTimeOf(atMs: number, nowMs: number): string {
  const days = daysAgo(atMs, nowMs);
  if (days <= 0) return timeOf(atMs);
  if (days < 7) return days === 1 ? "Yesterday" : weekday.format(atMs);
  return isThisYear(atMs, nowMs) ? shortDate.format(atMs) : dateOfYear.format(atMs);
}

/** "just now", "5 minutes ago", "yesterday". */
export function agoOf(atMs: number, nowMs: number): string {
  const passedMs = Math.max(0, nowMs - atMs);
  if (passedMs < minuteMs) return "just now";
  if (passedMs < hourMs) return ago.format(-Math.floor(passedMs / minuteMs), "minute");
  if (passedMs < dayMs) return ago.format(-Math.floor(passedMs / hourMs), "hour");
  return ago.format(-daysAgo(atMs, nowMs), "day");
}

/** For what is to come within days: "15:30", "tomorrow, 08:00". */
export function untilOf(atMs: number, nowMs: number): string {
  const days = -daysAgo(atMs, nowMs);
  if (days <= 0) return timeOf(atMs);
  return `${days === 1 ? "tomorrow" : date.format(atMs)}, ${timeOf(atMs)}`;
}

/** The present time; another rendering each minute. */
export function useNowMs(): number {
  return useSyncExternalStore(minutes.subscribe, minutes.get);
}

/** One timer for all that is on the page. */
const minutes = createMinutes();

function createMinutes() {
  const listeners = new Set<() => void>();
  let nowMs = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;

  function tick() {
    nowMs = Date.now();
    for (const listener of listeners) listener();
  }

  return {
    get: () => nowMs,
    subscribe: (listener: () => void) => {
      if (listeners.size === 0) {
        nowMs = Date.now();
        timer = setInterval(tick, minuteMs);
      }
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) clearInterval(timer);
      };
    },
  };
}

function daysAgo(atMs: number, nowMs: number): number {
  // Days on which clocks are changed have 23 or 25 hours.
  return Math.round((dayOf(nowMs) - dayOf(atMs)) / dayMs);
}

function isThisYear(atMs: number, nowMs: number): boolean {
  return new Date(atMs).getFullYear() === new Date(nowMs).getFullYear();
}
