import type { UserErrorCode } from "./generated/operations.ts";
import type { ErrorCode } from "./operation-error.ts";

/** Why the server did not take a message: as a user error, or for the operation as a whole. `UNKNOWN`: it did not say. */
export type RefusalCode = UserErrorCode | ErrorCode | "UNKNOWN";

/** The refusal that the server gave as a user error. */
export interface Refused<Code extends string = UserErrorCode | "UNKNOWN"> {
  ok: false;
  code: Code;
  message: string;
  retryAfterMs?: number;
}

/** What came of sending a message. Failures of the way there and back are thrown. */
export type SendOutcome<M> = { ok: true; message: M } | Refused<RefusalCode>;

/** What came of a mutation whose result nobody needs. */
export type PlainOutcome = { ok: true } | Refused;

const finalCodes = new Set<string>(["INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT"]);

/** Whether the same call would be refused again: then it is not repeated. */
export function isFinalRefusal(outcome: Refused<string>): boolean {
  return finalCodes.has(outcome.code);
}

/** How long to wait before the same call: as long as the server asked for, otherwise as the backoff says. */
export function retryDelayMs(outcome: Refused<string>, backoff: { nextDelayMs(): number }): number {
  return outcome.code === "RATE_LIMITED" && outcome.retryAfterMs !== undefined
    ? Math.max(0, outcome.retryAfterMs)
    : backoff.nextDelayMs();
}
