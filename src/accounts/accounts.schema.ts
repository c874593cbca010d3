import { builder, viewerOf, type Context } from "../graphql/builder.ts";
import { connectionType, decodePlace, encodePlace, forwardPage, pageSize } from "../graphql/connections.ts";
import { createLoader, whenLoaded, type Loader } from "../graphql/loader.ts";
import type { UserRow } from "../log/changes.ts";
import type { Accounts } from "./accounts.ts";
import type { AccountsStore } from "./accounts.store.ts";
import { isUserId } from "./user-id.ts";

declare module "../graphql/builder.ts" {
  interface Loaders {
    users: Loader<string, UserRow | null>;
  }
  interface Rules {
    accounts: Accounts;
  }
}

/** A user that something refers to; the profile is loaded where it is asked for. */
export type UserRef = { id: string };

export function createUserLoaders(store: AccountsStore) {
  return { users: createLoader<string, UserRow | null>({ read: store.read, textOf: (id) => id, missing: null }) };
}

function withProfile<Value>(user: UserRef, context: Context, pick: (row: UserRow | null) => Value) {
  return whenLoaded(context.loaders.users.load(user.id), pick);
}

export const User = builder.objectRef<UserRef>("User");
User.implement({
  fields: (t) => ({
    id: t.exposeID("id"),
    name: t.string({
      resolve: (user, _args, context) => withProfile(user, context, (row) => row?.name ?? "Deleted user"),
    }),
    avatarUrl: t.string({
      nullable: true,
      resolve: (user, _args, context) => withProfile(user, context, (row) => row?.avatarUrl ?? null),
    }),
  }),
});

const UserConnection = connectionType<UserRef>("User", User);

builder.queryFields((t) => ({
  viewer: t.field({ type: User, resolve: (_root, _args, context) => viewerRef(context) }),
  user: t.field({
    type: User,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, { id }, context) => (isUserId(id) ? await context.loaders.users.load(id) : null),
  }),
  users: t.field({
    type: UserConnection,
    description:
      "By the beginning of a name or the exact id, for opening rooms. Operators can restrict it to users who share a room.",
    args: { search: t.arg.string({ required: true }), first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: async (_root, args, context) => {
      const size = pageSize(args.first, "first", 20);
      const after = decodePlace<[string, string]>("users", args.after, ["string", "string"]);
      const found = await context.rules.accounts.search(viewerOf(context).id, {
        text: args.search,
        after,
        limit: size + 1,
      });
      for (const user of found) context.loaders.users.prime(user.id, user);
      return forwardPage(found, {
        size,
        after: after !== null,
        cursorOf: (user) => encodePlace("users", [user.sortName, user.id]),
      });
    },
  }),
}));

function viewerRef(context: Context): UserRef {
  const viewer = viewerOf(context);
  context.loaders.users.prime(viewer.id, viewer);
  return viewer;
}
