/**
 * The closed list of what a caller can mend or must be told. Whatever is thrown and is not a `Refusal` is a fault:
 * masked to the client, logged with its cause.
 */
export type RefusalCode =
  | "UNAUTHENTICATED"
  | "INVALID"
  | "NOT_FOUND"
  | "FORBIDDEN"
  | "CONFLICT"
  | "RATE_LIMITED"
  | "QUERY_REFUSED"
  | "CURSOR_RESET";

/** An expected failure. `path` names the offending argument, outermost first; `retryAfterMs` goes with RATE_LIMITED. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly path: string[] | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: RefusalCode, message: string, more: { path?: string[]; retryAfterMs?: number } = {}) {
    super(message);
    this.code = code;
    this.path = more.path;
    this.retryAfterMs = more.retryAfterMs;
  }
}

export const unauthenticated = (message = "Sign in first.") => new Refusal("UNAUTHENTICATED", message);
export const invalid = (message: string, path?: string[]) => new Refusal("INVALID", message, { path });
/** One message for "no such thing" and "not for you", so that nobody can tell them apart. */
export const notFound = (what: string, path?: string[]) => new Refusal("NOT_FOUND", `No such ${what}.`, { path });
export const forbidden = (message: string, path?: string[]) => new Refusal("FORBIDDEN", message, { path });
export const conflict = (message: string, path?: string[]) => new Refusal("CONFLICT", message, { path });
export const rateLimited = (retryAfterMs: number) =>
  new Refusal("RATE_LIMITED", "Too many requests; try again later.", { retryAfterMs });
export const queryRefused = (message: string) => new Refusal("QUERY_REFUSED", message);
export const cursorReset = (path?: string[]) =>
  new Refusal("CURSOR_RESET", "This position is not in the room's log. Drop the room's state and load it again.", {
    path,
  });
