import { builder, viewerOf } from "../graphql/builder.ts";
import { pageSize } from "../graphql/connections.ts";
import { RoomEventType } from "../log/events.schema.ts";
import type { Sync, SyncPage } from "./sync.ts";

declare module "../graphql/builder.ts" {
  interface Rules {
    sync: Sync;
  }
}

const SyncPageType = builder.objectRef<SyncPage>("SyncPage").implement({
  fields: (t) => ({
    events: t.field({ type: [RoomEventType], resolve: (page) => page.events }),
    cursors: t.field({
      type: ["Cursor"],
      description:
        "The positions that this page moved; keep the newest of each room and pass them all as `after` next.",
      resolve: (page) => page.cursors,
    }),
    hasMore: t.exposeBoolean("hasMore"),
  }),
});

builder.queryField("sync", (t) =>
  t.field({
    type: SyncPageType,
    description: `Everything that changed in the viewer's rooms after these positions, oldest first within a room. A room not listed begins
with the viewer's own MemberJoined. A room that the viewer was removed from ends with the viewer's MemberLeft, once; cursors of
rooms that the viewer never was in are passed over.`,
    args: {
      after: t.arg({ type: ["Cursor"], required: true, defaultValue: [] }),
      first: t.arg.int({ defaultValue: 100 }),
    },
    resolve: (_root, { after, first }, context) =>
      context.rules.sync.page(viewerOf(context).id, { after, limit: pageSize(first, "first", 100) }),
  }),
);
