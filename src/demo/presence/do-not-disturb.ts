import { dayOf } from "../parts/time.ts";

const hourMs = 3_600_000;
const morningHour = 8;

/** For how long the user may wish not to be disturbed, and when that is over. */
export const quietTimes: Readonly<Record<string, (nowMs: number) => number>> = {
  "For 30 minutes": (nowMs) => nowMs + hourMs / 2,
  "For 1 hour": (nowMs) => nowMs + hourMs,
  "For 4 hours": (nowMs) => nowMs + 4 * hourMs,
  "Until tomorrow morning": tomorrowMorning,
};

/** By the calendar: the night may have an hour more or less. */
function tomorrowMorning(nowMs: number): number {
  const morning = new Date(dayOf(nowMs));
  morning.setDate(morning.getDate() + 1);
  return morning.setHours(morningHour);
}
