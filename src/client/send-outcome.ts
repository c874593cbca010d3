/** The refusal that the server gave as a user error. */
export interface Refused {
  ok: false;
  code: string;
  message: string;
  retryAfterMs?: number;
}

/** What came of sending a message. Failures of the way there and back are thrown. */
export type SendOutcome<M> = { ok: true; message: M } | Refused;

/** What came of a mutation whose result nobody needs. */
export type PlainOutcome = { ok: true } | Refused;

const finalCodes = new Set(["INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT"]);

/** Whether the same call would be refused again: then it is not repeated. */
export function isFinalRefusal(outcome: Refused): boolean {
  return finalCodes.has(outcome.code);
}

/** How long to wait before the same call: as long as the server asked for, otherwise as the backoff says. */
export function retryDelayMs(outcome: Refused, backoff: { nextDelayMs(): number }): number {
  return outcome.code === "RATE_LIMITED" && outcome.retryAfterMs !== undefined
    ? Math.max(0, outcome.retryAfterMs)
    : backoff.nextDelayMs();
}
