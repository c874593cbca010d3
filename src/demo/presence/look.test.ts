import { expect, test } from "vitest";
import { fullStatusOf, lookOf, statusOf } from "./look.ts";

const nowMs = new Date(2026, 4, 12, 15, 0).getTime();
const at = (ms: number) => new Date(ms).toISOString();
const minuteMs = 60_000;
const present = { status: "ONLINE", lastSeen: null, customStatus: null, doNotDisturbUntil: null } as const;

test("a wish not to be disturbed shows until it is over, and not of somebody who is away from everything", () => {
  const quiet = { ...present, doNotDisturbUntil: at(nowMs + 30 * minuteMs) };
  expect(lookOf(quiet, nowMs)).toBe("quiet");
  expect(statusOf(quiet, nowMs)).toMatch(/^Do not disturb until (15:30|03:30)/);
  expect(lookOf(quiet, nowMs + 31 * minuteMs)).toBe("online");
  expect(lookOf({ ...quiet, status: "OFFLINE" }, nowMs)).toBe("offline");
});

test("who is offline was last seen some time ago, where that is known", () => {
  expect(statusOf({ ...present, status: "OFFLINE" }, nowMs)).toBe("Offline");
  expect(statusOf({ ...present, status: "OFFLINE", lastSeen: at(nowMs - 5 * minuteMs) }, nowMs)).toBe(
    "Last seen 5 minutes ago",
  );
  expect(statusOf({ ...present, status: "OFFLINE", lastSeen: at(nowMs - 16 * 60 * minuteMs) }, nowMs)).toBe(
    "Last seen 16 hours ago",
  );
  expect(statusOf({ ...present, status: "OFFLINE", lastSeen: at(nowMs - 30 * 60 * minuteMs) }, nowMs)).toBe(
    "Last seen yesterday",
  );
});

test("who appears offline sees that they do, not when they were last seen", () => {
  const hidden = { ...present, status: "OFFLINE", lastSeen: at(nowMs), customStatus: "Writing" } as const;
  expect(fullStatusOf(hidden, nowMs, { isOwn: true })).toBe("Appearing offline · Writing");
  expect(fullStatusOf(present, nowMs, { isOwn: true })).toBe("Online");
});

test("a status in the user's own words stands beside the other", () => {
  expect(fullStatusOf({ ...present, status: "BUSY", customStatus: "In the kitchen" }, nowMs)).toBe(
    "Busy · In the kitchen",
  );
  expect(fullStatusOf({ ...present, status: "AWAY" }, nowMs)).toBe("Away");
});
