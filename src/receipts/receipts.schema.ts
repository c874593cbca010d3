import { User } from "../accounts/accounts.schema.ts";
import { builder, perViewer, viewerOf } from "../graphql/builder.ts";
import { connectionType, decodePlace, encodePlace, forwardPage, pageSize } from "../graphql/connections.ts";
import { createLoader, createLoaders, whenLoaded, type Loader } from "../graphql/loader.ts";
import { outcome, payloadType } from "../graphql/user-errors.ts";
import { Message } from "../messages/messages.schema.ts";
import { forMember, Member, Room, type RoomRef } from "../rooms/rooms.schema.ts";
import type { Receipts } from "./receipts.ts";
import type {
  LoadedReaders,
  LoadedThrough,
  ReadAtKey,
  ReaderKey,
  ReadersKey,
  ReadersPage,
  Receipt,
  ReceiptsStore,
  UnreadKey,
} from "./receipts.store.ts";
import { readAtKey, readerKey, readersKey, unreadKey } from "./receipts.store.ts";

declare module "../graphql/builder.ts" {
  interface Loaders {
    readers: (page: ReadersPage) => Loader<ReadersKey, LoadedReaders>;
    readAt: Loader<ReadAtKey, number | null>;
    readThrough: Loader<ReaderKey, LoadedThrough>;
    unreadCounts: Loader<UnreadKey, number>;
  }
  interface Rules {
    receipts: Receipts;
  }
}

export function createReceiptLoaders(store: ReceiptsStore) {
  return {
    readAt: createLoader<ReadAtKey, number | null>({ read: store.readTimes, textOf: readAtKey, missing: null }),
    readThrough: createLoader<ReaderKey, LoadedThrough>({
      read: store.readThrough,
      textOf: readerKey,
      missing: { message: null, memberRevision: 0 },
    }),
    unreadCounts: createLoader<UnreadKey, number>({ read: store.countUnread, textOf: unreadKey, missing: 0 }),
    readers: createLoaders<ReadersPage, ReadersKey, LoadedReaders>({
      read: store.readReaders,
      textOf: readersKey,
      missing: { receipts: [], memberRevision: 0 },
    }),
  };
}

type ReceiptRef = Receipt & { messageId: string };

const ReadReceipt = builder.objectRef<ReceiptRef>("ReadReceipt").implement({
  fields: (t) => ({
    id: t.id({ resolve: (receipt) => `${receipt.messageId}:${receipt.readerId}` }),
    reader: t.field({ type: User, resolve: (receipt) => ({ id: receipt.readerId }) }),
    readAt: t.field({ type: "DateTime", resolve: (receipt) => receipt.readAt }),
  }),
});

const ReadReceiptConnection = connectionType<ReceiptRef>("ReadReceipt", ReadReceipt);

builder.objectField(Message, "readBy", (t) =>
  t.field({
    type: ReadReceiptConnection,
    description:
      "Who other than the sender has read it, earliest first. Exact per message. For a former member of the room: nobody.",
    args: { first: t.arg.int({ defaultValue: 20 }), after: t.arg.string() },
    resolve: (message, args, context) => {
      const size = pageSize(args.first, "first", 20);
      const after = decodePlace<[number, string]>("readBy", args.after, ["time", "string"]);
      const { roomId, id: messageId, position, senderId } = message;
      const key = { roomId, messageId, position, senderId, viewerId: context.viewer?.id ?? null };
      return whenLoaded(
        context.loaders.readers({ after, limit: size + 1 }).load(key),
        ({ receipts, memberRevision }) => {
          context.sawMemberRevision?.(memberRevision);
          const nodes = receipts.map((receipt) => ({ ...receipt, messageId }));
          return forwardPage<ReceiptRef>(nodes, {
            size,
            after: after !== null,
            cursorOf: ({ readAt, readerId }) => encodePlace("readBy", [readAt, readerId]),
          });
        },
      );
    },
  }),
);

builder.objectField(Message, "readAt", (t) =>
  t.field({
    ...perViewer,
    type: "DateTime",
    nullable: true,
    description:
      "When the viewer read it. Null where they have not, for their own, and for a former member of the room.",
    resolve: ({ roomId, id: messageId, position, senderId }, _args, context) => {
      const viewerId = viewerOf(context).id;
      return senderId === viewerId ? null : context.loaders.readAt.load({ roomId, messageId, position, viewerId });
    },
  }),
);

builder.objectField(Member, "readThrough", (t) =>
  t.field({
    type: Message,
    nullable: true,
    description: `The newest message up to which this member has read every message since joining. The member's own messages and deleted
ones count as read, so it is the room's newest message where nothing is unread. Null where the first message since joining is unread.`,
    resolve: ({ roomId, userId }, _args, context) => {
      const key = { roomId, readerId: userId, viewerId: context.viewer?.id ?? null };
      return whenLoaded(context.loaders.readThrough.load(key), ({ message, memberRevision }) => {
        context.sawMemberRevision?.(memberRevision);
        return message;
      });
    },
  }),
);

builder.objectField(Room, "unreadCount", (t) =>
  t.field({
    ...perViewer,
    type: "Int",
    description: "Others' messages since the viewer's join that the viewer has not read and that were not deleted.",
    resolve: (room, _args, context) =>
      forMember({ room, context, missing: 0 }, (key) => context.loaders.unreadCounts.load(key)),
  }),
);

const MarkReadInput = builder.inputType("MarkReadInput", {
  description: "Give `messageIds` (1 to 500) or `upToId`, not both.",
  fields: (t) => ({ roomId: t.id({ required: true }), messageIds: t.idList(), upToId: t.id() }),
});
const MarkReadPayload = payloadType<RoomRef>("MarkReadPayload", "room", Room);

builder.mutationField("markRead", (t) =>
  t.field({
    type: MarkReadPayload,
    description: "Marks exactly these messages, or all up to and including one, as read by the viewer.",
    args: { input: t.arg({ type: MarkReadInput, required: true }) },
    resolve: (_root, { input }, context) =>
      outcome(async () => ({ id: await context.rules.receipts.markRead(viewerOf(context), input) })),
  }),
);
