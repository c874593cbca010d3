import { User } from "../accounts/accounts.schema.ts";
import { builder, viewerOf } from "../graphql/builder.ts";
import { outcome, type Payload, UserErrorType } from "../graphql/user-errors.ts";
import { Room } from "../rooms/rooms.schema.ts";
import type { TypingState } from "./typing-followers.ts";
import type { Typing } from "./typing.ts";

declare module "../graphql/builder.ts" {
  interface Rules {
    typing: Typing;
  }
}

const TypingStateType = builder.objectRef<TypingState>("TypingState").implement({
  description: "Replaces what came before; nothing to add up.",
  fields: (t) => ({
    room: t.field({ type: Room, resolve: (state) => ({ id: state.roomId }) }),
    users: t.field({
      type: [User],
      description: "Who began first comes first; at most 50.",
      resolve: (state) => state.users,
    }),
  }),
});

const SetTypingInput = builder.inputType("SetTypingInput", {
  fields: (t) => ({ roomId: t.id({ required: true }), isTyping: t.boolean({ required: true }) }),
});

const SetTypingPayload = builder.objectRef<Payload<void>>("SetTypingPayload").implement({
  fields: (t) => ({ userErrors: t.field({ type: [UserErrorType], resolve: (payload) => payload.userErrors }) }),
});

builder.mutationField("setTyping", (t) =>
  t.field({
    type: SetTypingPayload,
    description: "Of the calling connection: others are told for 5 s, unless it is said again, or its end is.",
    args: { input: t.arg({ type: SetTypingInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { rules, connection } = context;
      return outcome(() => rules.typing.set(viewerOf(context), connection, input));
    },
  }),
);

builder.subscriptionField("typing", (t) =>
  t.field({
    type: TypingStateType,
    description: "Who is typing now, the viewer's own devices included: at once, and again whenever that changes.",
    args: { roomId: t.arg.id({ required: true }) },
    subscribe: (_root, { roomId }, context) => context.rules.typing.follow(viewerOf(context).id, roomId),
    resolve: ({ roomId, users }, _args, context) => {
      // Who types is told with their profiles: nothing has to be loaded.
      for (const user of users) context.loaders.users.prime(user.id, user);
      return { roomId, users };
    },
  }),
);
