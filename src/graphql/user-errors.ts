import type { ObjectRef } from "@pothos/core";
import type { GraphQLSchema } from "graphql";
import { Refusal } from "../errors.ts";
import { builder, type Context, type SchemaTypes } from "./builder.ts";

const UserErrorCode = builder.enumType("UserErrorCode", {
  values: ["INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT", "RATE_LIMITED"] as const,
});

builder.enumType("ErrorCode", {
  values: {
    UNAUTHENTICATED: {},
    INVALID: {},
    NOT_FOUND: { description: "No such thing, or not for this viewer: they cannot be told apart." },
    FORBIDDEN: {},
    RATE_LIMITED: {},
    QUERY_REFUSED: {
      description: "The operation is too large, too deep, too costly or not on the list of allowed ones.",
    },
    CURSOR_RESET: {
      description:
        "This position is not in the room's log (the server was restored from a backup, say): drop the room's state and load it again.",
    },
    INTERNAL: { description: "A fault of the server; `extensions.reference` is in its log." },
  },
});

type UserErrorCodeValue = (typeof UserErrorCode)["$inferType"];

/** A refusal as data: graphql would throw an `Error` that it finds in a list. */
export type UserError = Pick<Refusal, "message" | "path" | "retryAfterMs"> & { code: UserErrorCodeValue };

export const UserErrorType = builder.interfaceRef<UserError>("UserError").implement({
  description: `What the caller of a mutation can mend or must show. Anything else, and every failure of a query or subscription, is a
top-level error with an \`ErrorCode\` as \`extensions.code\`.`,
  fields: (t) => ({
    code: t.field({ type: UserErrorCode, resolve: (error) => error.code }),
    message: t.exposeString("message"),
    path: t.stringList({ nullable: true, resolve: (error) => error.path ?? null }),
  }),
  resolveType: (error) => typeOfCode[error.code],
});

const typeOfCode: Record<UserErrorCodeValue, string> = {
  INVALID: "InputError",
  NOT_FOUND: "NotFoundError",
  FORBIDDEN: "ForbiddenError",
  CONFLICT: "ConflictError",
  RATE_LIMITED: "RateLimitedError",
};

for (const name of ["InputError", "NotFoundError", "ForbiddenError"]) {
  builder.objectRef<UserError>(name).implement({ interfaces: [UserErrorType] });
}
builder.objectRef<UserError>("ConflictError").implement({
  description: "The `clientMessageId` was used before in this room with other content.",
  interfaces: [UserErrorType],
});
builder.objectRef<UserError>("RateLimitedError").implement({
  interfaces: [UserErrorType],
  fields: (t) => ({ retryAfterMs: t.int({ resolve: (error) => error.retryAfterMs ?? 1_000 }) }),
});

export type Payload<Result> = { result: Result | null; userErrors: UserError[] };

/** `<name>` with `userErrors` and, where all went well, `field`. */
export function payloadType<Result>(
  name: string,
  field: string,
  type: ObjectRef<SchemaTypes, Result>,
): ObjectRef<SchemaTypes, Payload<Result>> {
  const payload = builder.objectRef<Payload<Result>>(name);
  payload.implement({
    fields: (t) => ({
      [field]: t.field({ type: type as never, nullable: true, resolve: (parent) => parent.result as never }),
      userErrors: t.field({ type: [UserErrorType], resolve: (parent) => parent.userErrors }),
    }),
  });
  return payload;
}

/** What the caller can mend becomes data; everything else goes on as an error. */
export async function outcome<Result>(work: () => Promise<Result>): Promise<Payload<Result>> {
  try {
    return { result: await work(), userErrors: [] };
  } catch (error) {
    if (!(error instanceof Refusal) || !isOfMutations(error.code)) throw error;
    const { code, message, path, retryAfterMs } = error;
    return { result: null, userErrors: [{ code, message, path, retryAfterMs }] };
  }
}

/** Tells each operation's context what its mutations refuse, whether the client asked for that or not. */
export function tellRefusals(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()!.getFields())) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = async (root, args, context: Context, info) => {
      const payload = (await resolve(root, args, context, info)) as Payload<unknown> | null;
      const [first] = payload?.userErrors ?? [];
      if (first) context.onRefused?.(first.code);
      return payload;
    };
  }
}

const isOfMutations = (code: string): code is UserErrorCodeValue => Object.hasOwn(typeOfCode, code);
