import { User } from "../accounts/accounts.schema.ts";
import { builder, perViewer, viewerOf } from "../graphql/builder.ts";
import { connectionType, decodePlace, encodePlace, forwardPage, pageSize } from "../graphql/connections.ts";
import { createLoader, type Loader } from "../graphql/loader.ts";
import { outcome, payloadType } from "../graphql/user-errors.ts";
import { Room } from "../rooms/rooms.schema.ts";
import { onlinePlaceOf } from "./online-users.ts";
import { devices, statuses } from "./own-presence.ts";
import type { PresenceState } from "./presence-state.ts";
import { sightKey, type Sight } from "./presence.store.ts";
import { checkUserIds, type Presence } from "./presence.ts";

declare module "../graphql/builder.ts" {
  interface Loaders {
    presences: Loader<Sight, PresenceState | null>;
  }
  interface Rules {
    presence: Presence;
  }
}

export function createPresenceLoaders({ read }: Pick<Presence, "read">) {
  return { presences: createLoader<Sight, PresenceState | null>({ read, textOf: sightKey, missing: null }) };
}

const PresenceStatusType = builder.enumType("PresenceStatus", { values: statuses });
const DeviceType = builder.enumType("Device", { values: devices });

const PresenceType = builder.objectRef<PresenceState>("Presence").implement({
  fields: (t) => ({
    id: t.id({ description: "The user's id.", resolve: (state) => state.userId }),
    user: t.field({ type: User, resolve: (state) => ({ id: state.userId }) }),
    status: t.field({
      type: PresenceStatusType,
      description: "What all of the user's connections add up to: BUSY if set, else ONLINE, else AWAY, else OFFLINE.",
      resolve: (state) => state.status,
    }),
    lastSeen: t.field({
      type: "DateTime",
      nullable: true,
      description: "Null while not OFFLINE, and where the user never was online.",
      resolve: (state) => state.lastSeenMs,
    }),
    devices: t.field({
      type: [DeviceType],
      description: "Of the connections that are not OFFLINE.",
      resolve: (state) => [...state.devices],
    }),
    currentRoom: t.field({
      ...perViewer,
      type: Room,
      nullable: true,
      description: "Only where the viewer is a member of it too.",
      resolve: async (state, _args, context) => {
        const viewerId = viewerOf(context).id;
        if (state.roomIds.length === 0) return null;
        const roomId = await context.rules.presence.visibleRoom(viewerId, state);
        return roomId === null ? null : { id: roomId };
      },
    }),
    customStatus: t.string({ nullable: true, resolve: (state) => state.customStatus }),
    doNotDisturbUntil: t.field({
      type: "DateTime",
      nullable: true,
      description: "Null once it is over.",
      resolve: (state) => state.doNotDisturbUntilMs,
    }),
  }),
});

const PresenceConnection = connectionType<PresenceState>("Presence", PresenceType);

builder.objectField(User, "presence", (t) =>
  t.field({
    ...perViewer,
    type: PresenceType,
    nullable: true,
    description: "Null where the viewer shares no room with this user.",
    resolve: (user, _args, context) =>
      context.loaders.presences.load({ viewerId: viewerOf(context).id, userId: user.id }),
  }),
);

builder.queryFields((t) => ({
  presence: t.field({
    type: [PresenceType],
    description: "Only users who share a room with the viewer; others are left out. At most 500.",
    args: { userIds: t.arg.idList({ required: true }) },
    resolve: async (_root, { userIds }, context) => {
      const viewerId = viewerOf(context).id;
      const asked = new Set(checkUserIds(userIds));
      const states = [...asked].map(async (userId) => context.loaders.presences.load({ viewerId, userId }));
      return (await Promise.all(states)).filter((state) => state !== null);
    },
  }),
  onlineUsers: t.field({
    type: PresenceConnection,
    description:
      "Users who share a room with the viewer and were online at or after `since` (default: now), most recent first. Of more than 2,000 users those seen last.",
    args: { since: t.arg({ type: "DateTime" }), first: t.arg.int({ defaultValue: 50 }), after: t.arg.string() },
    resolve: async (_root, args, context) => {
      const { presence } = context.rules;
      const size = pageSize(args.first, "first", 50);
      const after = decodePlace<[number, string]>("onlineUsers", args.after, ["number", "string"]);
      const sinceMs = args.since ?? presence.now();
      const viewerId = viewerOf(context).id;
      const states = await presence.onlineUsers({ viewerId, sinceMs, after, limit: size + 1 });
      return forwardPage(states, {
        size,
        after: after !== null,
        cursorOf: (state) => encodePlace("onlineUsers", onlinePlaceOf(state)),
      });
    },
  }),
}));

const SetPresenceInput = builder.inputType("SetPresenceInput", {
  description: "What is left out stays, null clears. OFFLINE: appear offline.",
  fields: (t) => ({
    status: t.field({ type: PresenceStatusType }),
    device: t.field({ type: DeviceType }),
    currentRoomId: t.id(),
    customStatus: t.string({ description: "1 to 100 characters (Unicode code points), no line breaks." }),
    doNotDisturbUntil: t.field({ type: "DateTime" }),
  }),
});
const SetPresencePayload = payloadType<PresenceState>("SetPresencePayload", "presence", PresenceType);

builder.mutationField("setPresence", (t) =>
  t.field({
    type: SetPresencePayload,
    description: "Of the calling connection. Over plain HTTP only `customStatus` and `doNotDisturbUntil`.",
    args: { input: t.arg({ type: SetPresenceInput, required: true }) },
    resolve: (_root, { input }, context) => {
      const { rules, connection } = context;
      return outcome(() =>
        rules.accounts.inNameOf(viewerOf(context), (userId) =>
          rules.presence.set(userId, connection?.id ?? null, input),
        ),
      );
    },
  }),
);

builder.subscriptionField("presence", (t) =>
  t.field({
    type: [PresenceType],
    description: `First the present state of all in one list, then the changes, those of 200 ms together. Either users (at most 500) or one room's
members (at most 5,000). Who shares no room with the viewer any more is told once, as OFFLINE and nothing else.`,
    args: { userIds: t.arg.idList(), roomId: t.arg.id() },
    subscribe: (_root, args, context) => context.rules.presence.follow(viewerOf(context).id, args),
    resolve: (states) => states,
  }),
);
