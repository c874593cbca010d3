import { randomUUID } from "node:crypto";
import { GraphQLError } from "graphql";
import { Refusal } from "../errors.ts";

/** Told of every fault, with the reference that the client was given. */
export type FaultListener = (fault: unknown, reference: string) => void;

const internal = "INTERNAL";

/**
 * What a client is told of an error: refusals and mistakes of the request as they are, with an `ErrorCode` as
 * `extensions.code`; of faults only a reference that is in the log.
 */
export function createErrorMask(onFault: FaultListener): (error: unknown) => GraphQLError {
  // An error may pass here twice, on its way through an execution and again through the door.
  const masked = new WeakSet<GraphQLError>();

  function mask(error: unknown): GraphQLError {
    if (error instanceof GraphQLError) {
      if (masked.has(error)) return error;
      const told = error.originalError ? maskCause(error.originalError, error) : withCode(error);
      masked.add(told);
      return told;
    }
    const told = maskCause(error, undefined);
    masked.add(told);
    return told;
  }

  function maskCause(cause: unknown, at: GraphQLError | undefined): GraphQLError {
    const place = { nodes: at?.nodes, source: at?.source, positions: at?.positions, path: at?.path };
    if (cause instanceof GraphQLError)
      return new GraphQLError(cause.message, { ...place, extensions: withCode(cause).extensions });
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
      extensions: { code: internal, reference },
    });
  }

  return mask;
}

/** Errors of graphql itself, about the request, have no code of their own. */
function withCode(error: GraphQLError): GraphQLError {
  if (error.extensions.code) return error;
  const { nodes, source, positions, path, message } = error;
  return new GraphQLError(message, {
    nodes,
    source,
    positions,
    path,
    extensions: { ...error.extensions, code: "INVALID" },
  });
}
