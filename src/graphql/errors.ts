import { randomUUID } from "node:crypto";
import { GraphQLError } from "graphql";
import { Refusal } from "../errors.ts";

/** Told of every fault, with the reference that the client was given. */
export type FaultListener = (fault: unknown, reference: string) => void;

export type Mask = (error: unknown) => GraphQLError;

/** `ErrorCode` of the schema. */
const codes = new Set([
  "UNAUTHENTICATED",
  "INVALID",
  "NOT_FOUND",
  "FORBIDDEN",
  "RATE_LIMITED",
  "QUERY_REFUSED",
  "CURSOR_RESET",
  "INTERNAL",
]);

/**
 * What a client is told of an error: refusals and mistakes of the request as they are, with an `ErrorCode` as
 * `extensions.code`; of faults only a reference that is in the log. Without `suggestions` graphql's guesses at what was
 * meant are left out: they tell names of the schema.
 */
export function createErrorMask(onFault: FaultListener, { suggestions = true }: { suggestions?: boolean } = {}): Mask {
  // An error may pass here twice, on its way through an execution and again through the door.
  const masked = new WeakSet<GraphQLError>();

  return function mask(error) {
    if (error instanceof GraphQLError && masked.has(error)) return error;
    const told = toTell(error);
    masked.add(told);
    return told;
  };

  function toTell(error: unknown): GraphQLError {
    if (!(error instanceof GraphQLError)) return tellCause(error, undefined);
    if (error.originalError instanceof GraphQLError) return tellMistake(error.originalError, error);
    return error.originalError ? tellCause(error.originalError, error) : tellMistake(error, error);
  }

  /** Errors of graphql itself, about the request. Whatever code they may have is not one of ours. */
  function tellMistake({ message, extensions }: GraphQLError, at: GraphQLError): GraphQLError {
    const code = codes.has(extensions.code as string) ? extensions.code : "INVALID";
    const { http } = extensions;
    // Told in place: to make it anew would cost finding its place in the text anew.
    return Object.assign(at, {
      message: suggestions ? message : withoutSuggestion(message),
      extensions: { ...(http !== undefined && { http }), code },
    });
  }

  function tellCause(cause: unknown, at: GraphQLError | undefined): GraphQLError {
    const place = { nodes: at?.nodes, source: at?.source, positions: at?.positions, path: at?.path };
    if (cause instanceof Refusal) {
      const { code, path, retryAfterMs } = cause;
      return new GraphQLError(cause.message, {
        ...place,
        extensions: { code, ...(path && { argument: path }), ...(retryAfterMs && { retryAfterMs }) },
      });
    }
    const reference = randomUUID();
    onFault(cause, reference);
    return new GraphQLError("Something went wrong on the server.", {
      ...place,
      extensions: { code: "INTERNAL", reference },
    });
  }
}

const withoutSuggestion = (message: string) => message.replace(/ Did you mean [^?]*\?$/, "");
