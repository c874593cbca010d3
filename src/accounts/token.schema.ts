import { invalid, Refusal } from "../errors.ts";
import { builder } from "../graphql/builder.ts";
import { outcome, type Payload, UserErrorType } from "../graphql/user-errors.ts";

const RefreshTokenInput = builder.inputType("RefreshTokenInput", {
  fields: (t) => ({ token: t.string({ required: true }) }),
});

const RefreshTokenPayload = builder.objectRef<Payload<number>>("RefreshTokenPayload").implement({
  fields: (t) => ({
    expiresAt: t.field({ type: "DateTime", nullable: true, resolve: (payload) => payload.result }),
    userErrors: t.field({ type: [UserErrorType], resolve: (payload) => payload.userErrors }),
  }),
});

builder.mutationField("refreshToken", (t) =>
  t.field({
    type: RefreshTokenPayload,
    description: "A new token for the open WebSocket, before the old one expires; every subscription goes on.",
    args: { input: t.arg({ type: RefreshTokenInput, required: true }) },
    resolve: (_root, { input }, { connection }) =>
      outcome(async () => {
        if (!connection) throw invalid("Over HTTP each request brings its own token.");
        return connection.refresh(input.token).catch(refuseToken);
      }),
  }),
);

/** The socket's own token is still good: a bad new one is a mistake in the input. */
function refuseToken(error: unknown): never {
  if (error instanceof Refusal && error.code === "UNAUTHENTICATED")
    throw invalid("This token is not valid.", ["token"]);
  throw error;
}
