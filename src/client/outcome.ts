import type { ErrorFieldsFragment } from "./generated/operations.ts";
import type { Refused } from "./send-outcome.ts";

/** What came of a mutation: what it made, or the refusal. */
export type Outcome<Value> = { ok: true; value: Value } | Refused;

/** The outcome of a payload: its value, or its first user error. */
export function outcomeOf<Value>(
  value: Value | null | undefined,
  userErrors: readonly ErrorFieldsFragment[],
): Outcome<Value> {
  return userErrors.length === 0 && value ? { ok: true, value } : refusalOf(userErrors);
}

export function refusalOf(userErrors: readonly ErrorFieldsFragment[]): Refused {
  const [error] = userErrors;
  if (!error) return { ok: false, code: "UNKNOWN", message: "The server gave no result." };
  const { code, message } = error;
  return error.__typename === "RateLimitedError"
    ? { ok: false, code, message, retryAfterMs: error.retryAfterMs }
    : { ok: false, code, message };
}
