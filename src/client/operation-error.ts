/** One error of a GraphQL response. */
export interface ResponseError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: unknown; readonly retryAfterMs?: unknown; readonly [key: string]: unknown };
}

/** The schema's `ErrorCode`: why a query or subscription was refused, or any operation failed as a whole. */
export type ErrorCode =
  | "UNAUTHENTICATED"
  | "INVALID"
  | "NOT_FOUND"
  | "FORBIDDEN"
  | "RATE_LIMITED"
  | "QUERY_REFUSED"
  | "CURSOR_RESET"
  | "INTERNAL";

/** The server answered with errors. `code` is that of the first one, `UNKNOWN` where it has none; a later server may know others. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly code: ErrorCode | "UNKNOWN";
  readonly retryAfterMs: number | undefined;
  readonly errors: readonly ResponseError[];

  constructor(errors: readonly ResponseError[]) {
    super(errors.map(({ message }) => message).join(" ") || "The server answered with an error.");
    const { code, retryAfterMs } = errors[0]?.extensions ?? {};
    this.code = typeof code === "string" ? (code as ErrorCode) : "UNKNOWN";
    this.retryAfterMs = typeof retryAfterMs === "number" ? retryAfterMs : undefined;
    this.errors = errors;
  }
}

/** The connection ended before the answer came: whether the server carried the operation out is not known. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";

  constructor(reason = "The connection was lost.") {
    super(reason);
  }
}
