import { User } from "../accounts/accounts.schema.ts";
import { builder, perViewer, viewerOf, type Context } from "../graphql/builder.ts";
import {
  connectionType,
  decodePlace,
  encodePlace,
  forwardPage,
  pageSize,
  type Connection,
} from "../graphql/connections.ts";
import { createLoader, createLoaders, whenLoaded, type Loader } from "../graphql/loader.ts";
import type { MemberRow } from "../log/changes.ts";
import { formatCursor } from "../log/cursor.ts";
import { isId } from "../log/ids.ts";
import type { Rooms } from "./rooms.ts";
import type { MemberPage, RoomsStore, RoomView, ViewKey } from "./rooms.store.ts";
import { viewKey } from "./rooms.store.ts";

declare module "../graphql/builder.ts" {
  interface Loaders {
    roomViews: Loader<ViewKey, RoomView | null>;
    memberPages: (page: MemberPage) => Loader<ViewKey, MemberRow[]>;
    pairs: Loader<string, string[]>;
    roomsOfViewer: RoomsStore["readRoomsOfViewer"];
  }
  interface Rules {
    rooms: Rooms;
  }
}

export function createRoomLoaders(store: RoomsStore) {
  return {
    roomViews: createLoader<ViewKey, RoomView | null>({ read: store.readViews, textOf: viewKey, missing: null }),
    pairs: createLoader<string, string[]>({ read: store.readPairs, textOf: (id) => id, missing: [] }),
    roomsOfViewer: store.readRoomsOfViewer,
    memberPages: createLoaders<MemberPage, ViewKey, MemberRow[]>({
      read: store.readMemberPages,
      textOf: viewKey,
      missing: [],
    }),
  };
}

/** A room that something refers to. What it shows is loaded for the viewer, or in a shared execution for nobody in particular. */
export type RoomRef = { id: string };

const RoomKindType = builder.enumType("RoomKind", { values: ["DIRECT", "GROUP"] as const });
export const MemberRoleType = builder.enumType("MemberRole", { values: ["OWNER", "ADMIN", "MEMBER"] as const });
export const Room = builder.objectRef<RoomRef>("Room");
export const Member = builder.objectRef<MemberRow>("Member");

/** Goes on with the room as the viewer sees it. */
function withView<Result>(room: RoomRef, context: Context, next: (view: RoomView) => Result) {
  const view = context.loaders.roomViews.load({ roomId: room.id, viewerId: context.viewer?.id ?? null });
  return whenLoaded(view, (loaded) => {
    if (!loaded) throw new Error(`Room ${room.id} is not in the database.`);
    context.sawMemberRevision?.(loaded.row.memberRevision);
    return next(loaded);
  });
}

/** Goes on for a member with the key of what the viewer may see of the room; for anybody else `missing` is all there is. */
export function forMember<Result, Missing>(
  { room, context, missing }: { room: RoomRef; context: Context; missing: Missing },
  next: (key: ViewKey & { viewerId: string }, view: RoomView) => Result,
) {
  const viewerId = viewerOf(context).id;
  return withView(room, context, (view) => (isMember(view) ? next({ roomId: room.id, viewerId }, view) : missing));
}

export const isMember = (view: RoomView | null): boolean => view?.membership?.leftRevision === null;

/** Nobody in particular and members see the room as it is; a former member what it was when they left, as far as known. */
function nameOf({ row, membership }: RoomView, context: Context): string | null {
  if (!context.viewer || membership?.leftRevision === null) return row.name;
  return membership && row.roomRevision <= membership.leftRevision ? row.name : null;
}

Room.implement({
  fields: (t) => ({
    id: t.exposeID("id"),
    kind: t.field({
      type: RoomKindType,
      resolve: (room, _args, context) => withView(room, context, (view) => view.row.kind),
    }),
    name: t.string({
      nullable: true,
      description: "Null in a direct room.",
      resolve: (room, _args, context) => withView(room, context, (view) => nameOf(view, context)),
    }),
    peer: t.field({
      ...perViewer,
      type: User,
      nullable: true,
      description: "The other user of a direct room.",
      resolve: (room, _args, context) =>
        forMember({ room, context, missing: null }, async ({ viewerId }, view) => {
          if (view.row.kind !== "DIRECT") return null;
          const peer = (await context.loaders.pairs.load(room.id)).find((userId) => userId !== viewerId);
          return peer === undefined ? null : { id: peer };
        }),
    }),
    createdAt: t.field({
      type: "DateTime",
      resolve: (room, _args, context) => withView(room, context, (view) => view.row.createdAt),
    }),
    memberCount: t.int({
      resolve: (room, _args, context) =>
        withView(room, context, (view) => (!context.viewer || isMember(view) ? view.row.memberCount : 0)),
    }),
    members: t.field({
      ...perViewer,
      type: MemberConnection,
      args: { first: t.arg.int({ defaultValue: 50 }), after: t.arg.string() },
      resolve: (room, args, context) => {
        const size = pageSize(args.first, "first", 50);
        const after = decodePlace<[number]>("members", args.after, ["number"])?.[0] ?? 0;
        const missing = membersPage([], { size, after: false });
        return forMember({ room, context, missing }, async (key) => {
          const rows = await context.loaders.memberPages({ after, limit: size + 1 }).load(key);
          return membersPage(rows, { size, after: after > 0 });
        });
      },
    }),
    cursor: t.field({
      ...perViewer,
      type: "Cursor",
      description:
        "The room's newest position, read before the other fields of the same query: subscribe after it and nothing is missed of what this response shows.",
      resolve: (room, _args, context) =>
        withView(room, context, ({ row, membership }) => {
          viewerOf(context);
          return formatCursor(room.id, membership?.leftRevision ?? row.revision);
        }),
    }),
    membership: t.field({
      ...perViewer,
      type: Member,
      nullable: true,
      description: "The viewer's own membership; null once removed.",
      resolve: (room, _args, context) => forMember({ room, context, missing: null }, (_key, view) => view.membership),
    }),
  }),
});

function membersPage(rows: MemberRow[], page: { size: number; after: boolean }): Connection<MemberRow> {
  return forwardPage(rows, { ...page, cursorOf: (member) => encodePlace("members", [member.joinedRevision]) });
}

Member.implement({
  fields: (t) => ({
    id: t.id({ resolve: (member) => `${member.roomId}:${member.userId}` }),
    version: t.field({
      type: "Cursor",
      description: "Position of its last change: of two states of one member the newer wins.",
      resolve: (member) => formatCursor(member.roomId, member.revision),
    }),
    user: t.field({ type: User, resolve: (member) => ({ id: member.userId }) }),
    role: t.field({ type: MemberRoleType, resolve: (member) => member.role }),
    joinedAt: t.field({ type: "DateTime", resolve: (member) => member.joinedAt }),
    leftAt: t.field({ type: "DateTime", nullable: true, resolve: (member) => member.leftAt }),
  }),
});

const MemberConnection = connectionType<MemberRow>("Member", Member);
const RoomConnection = connectionType<RoomRef>("Room", Room);

builder.queryFields((t) => ({
  room: t.field({
    type: Room,
    nullable: true,
    description: "Null where it does not exist or the viewer is not a member: the two cannot be told apart.",
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_root, { id }, context) => {
      if (!isId(id)) return null;
      const view = await context.loaders.roomViews.load({ roomId: id, viewerId: viewerOf(context).id });
      return isMember(view) ? { id } : null;
    },
  }),
  rooms: t.field({
    type: RoomConnection,
    description: "The viewer's rooms, latest activity first.",
    args: { first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: async (_root, args, context) => {
      const viewerId = viewerOf(context).id;
      const size = pageSize(args.first, "first", 20);
      const after = decodePlace<[number, string]>("rooms", args.after, ["time", "string"]);
      const listed =
        after && !isId(after[1]) ? [] : await context.loaders.roomsOfViewer({ viewerId, after, limit: size + 1 });
      for (const view of listed) context.loaders.roomViews.prime({ roomId: view.row.id, viewerId }, view);
      const nodes = listed.map((view) => ({ id: view.row.id, activeAt: view.activeAt }));
      return forwardPage<{ id: string; activeAt: number }>(nodes, {
        size,
        after: after !== null,
        cursorOf: (node) => encodePlace("rooms", [node.activeAt, node.id]),
      });
    },
  }),
}));
