import { User } from "../accounts/accounts.schema.ts";
import { invalid } from "../errors.ts";
import { builder, perViewer, viewerOf, type Context } from "../graphql/builder.ts";
import {
  connectionOf,
  connectionType,
  decodePlace,
  encodePlace,
  pageSize,
  type Connection,
} from "../graphql/connections.ts";
import { createLoader, createLoaders, whenLoaded, type Loader } from "../graphql/loader.ts";
import { outcome, payloadType } from "../graphql/user-errors.ts";
import type { MessageRow } from "../log/changes.ts";
import { formatCursor } from "../log/cursor.ts";
import { forMember, Room } from "../rooms/rooms.schema.ts";
import type { Messages } from "./messages.ts";
import type { LoadedMessage, MessageKey, MessagesStore, PageKey, Stretch } from "./messages.store.ts";
import { messageKey, pageKey } from "./messages.store.ts";

declare module "../graphql/builder.ts" {
  interface Loaders {
    messages: Loader<MessageKey, LoadedMessage | null>;
    messagePages: (stretch: Stretch) => Loader<PageKey, MessageRow[]>;
  }
  interface Rules {
    messages: Messages;
  }
}

export function createMessageLoaders(store: MessagesStore) {
  return {
    messages: createLoader<MessageKey, LoadedMessage | null>({ read: store.read, textOf: messageKey, missing: null }),
    messagePages: createLoaders<Stretch, PageKey, MessageRow[]>({
      read(keys, stretch) {
        const isHistory = stretch.before !== Number.MAX_SAFE_INTEGER;
        return isHistory ? store.readHistory(keys, stretch) : store.readPage(keys, stretch);
      },
      textOf: pageKey,
      missing: [],
    }),
  };
}

export const Message = builder.objectRef<MessageRow>("Message");

/** A message by its id, as far as the viewer may see it. */
function loadMessage(context: Context, roomId: string, id: string) {
  const loaded = context.loaders.messages.load({ roomId, id, viewerId: context.viewer?.id ?? null });
  return whenLoaded(loaded, (found) => {
    if (found) context.sawMemberRevision?.(found.memberRevision);
    return found?.message ?? null;
  });
}

Message.implement({
  fields: (t) => ({
    id: t.exposeID("id", { description: "Derived from room, sender and `clientMessageId`; unique everywhere." }),
    clientMessageId: t.exposeString("clientMessageId"),
    position: t.field({
      type: "Cursor",
      description: "Its place in the room: messages are ordered by it.",
      resolve: (message) => formatCursor(message.roomId, message.position),
    }),
    version: t.field({
      type: "Cursor",
      description: "Position of its last change: of two states of one message the newer wins.",
      resolve: (message) => formatCursor(message.roomId, message.revision),
    }),
    room: t.field({ type: Room, resolve: (message) => ({ id: message.roomId }) }),
    sender: t.field({ type: User, resolve: (message) => ({ id: message.senderId }) }),
    content: t.exposeString("content", {
      nullable: true,
      description: "Null once deleted, and for a former member once it changed after they had left.",
    }),
    hlc: t.field({ type: "HLC", resolve: (message) => message.hlc }),
    sentAt: t.field({ type: "DateTime", resolve: (message) => message.sentAt }),
    editedAt: t.field({ type: "DateTime", nullable: true, resolve: (message) => message.editedAt }),
    deletedAt: t.field({ type: "DateTime", nullable: true, resolve: (message) => message.deletedAt }),
    replyTo: t.field({
      type: Message,
      nullable: true,
      resolve: (message, _args, context) =>
        message.replyToId === null ? null : loadMessage(context, message.roomId, message.replyToId),
    }),
  }),
});

const MessageConnection = connectionType<MessageRow>("Message", Message);

type PageArgs = { first?: number | null; after?: string | null; last?: number | null; before?: string | null };

function stretchOf({ first, after, last, before }: PageArgs): {
  stretch: Stretch;
  size: number;
  hasAfter: boolean;
  hasBefore: boolean;
} {
  if (typeof first === "number" && typeof last === "number")
    throw invalid("Give `first` or `last`, not both.", ["last"]);
  const from = typeof first === "number" ? "first" : "last";
  const size = from === "first" ? pageSize(first, "first", 50) : pageSize(last, "last", 50);
  const place = (cursor: string | null | undefined, argument: string) =>
    decodePlace<[number]>("messages", cursor, ["number"], argument)?.[0];
  const begin = place(after, "after");
  const end = place(before, "before");
  const stretch = { after: begin ?? 0, before: end ?? Number.MAX_SAFE_INTEGER, from, limit: size + 1 } as const;
  return { stretch, size, hasAfter: begin !== undefined, hasBefore: end !== undefined };
}

function messagesPage(
  rows: MessageRow[],
  { stretch, size, hasAfter, hasBefore }: ReturnType<typeof stretchOf>,
): Connection<MessageRow> {
  const forwards = stretch.from === "first";
  const more = rows.length > size;
  const kept = forwards ? rows.slice(0, size) : rows.slice(-size);
  const edges = kept.map((node) => ({ node, cursor: encodePlace("messages", [node.position]) }));
  return connectionOf(edges, { hasNextPage: forwards ? more : hasBefore, hasPreviousPage: forwards ? hasAfter : more });
}

builder.objectFields(Room, (t) => ({
  lastMessage: t.field({
    ...perViewer,
    type: Message,
    nullable: true,
    resolve: (room, _args, context) =>
      forMember({ room, context, missing: null }, async (key) => {
        const newest = { after: 0, before: Number.MAX_SAFE_INTEGER, from: "last", limit: 1 } as const;
        return (await context.loaders.messagePages(newest).load(key))[0] ?? null;
      }),
  }),
  messages: t.field({
    ...perViewer,
    type: MessageConnection,
    description:
      "In room order, which every client sees alike. `last`/`before` page back from the newest; with neither `first` nor `last`: the last 50.",
    args: { first: t.arg.int(), after: t.arg.string(), last: t.arg.int(), before: t.arg.string() },
    resolve: (room, args, context) => {
      const page = stretchOf(args);
      return forMember({ room, context, missing: messagesPage([], page) }, async (key) =>
        messagesPage(await context.loaders.messagePages(page.stretch).load(key), page),
      );
    },
  }),
}));

const SendMessageInput = builder.inputType("SendMessageInput", {
  fields: (t) => ({
    clientMessageId: t.string({
      description: "1 to 64 characters chosen by the client, best a UUID; made by the server where left out.",
    }),
    roomId: t.id({ required: true }),
    content: t.string({ required: true, description: "1 to 8,000 characters (Unicode code points)." }),
    replyToId: t.id(),
  }),
});
const EditMessageInput = builder.inputType("EditMessageInput", {
  fields: (t) => ({
    roomId: t.id({ required: true }),
    messageId: t.id({ required: true }),
    content: t.string({ required: true }),
  }),
});
const DeleteMessageInput = builder.inputType("DeleteMessageInput", {
  fields: (t) => ({ roomId: t.id({ required: true }), messageId: t.id({ required: true }) }),
});

const SendMessagePayload = payloadType<MessageRow>("SendMessagePayload", "message", Message);
const EditMessagePayload = payloadType<MessageRow>("EditMessagePayload", "message", Message);
const DeleteMessagePayload = payloadType<MessageRow>("DeleteMessagePayload", "message", Message);

builder.mutationFields((t) => ({
  sendMessage: t.field({
    type: SendMessagePayload,
    description: "Idempotent by (viewer, room, `clientMessageId`): a retry returns the message and posts nothing.",
    args: { input: t.arg({ type: SendMessageInput, required: true }) },
    resolve: (_root, { input }, context) => outcome(() => context.rules.messages.send(viewerOf(context), input)),
  }),
  editMessage: t.field({
    type: EditMessagePayload,
    args: { input: t.arg({ type: EditMessageInput, required: true }) },
    resolve: (_root, { input }, context) => outcome(() => context.rules.messages.edit(viewerOf(context).id, input)),
  }),
  deleteMessage: t.field({
    type: DeleteMessagePayload,
    args: { input: t.arg({ type: DeleteMessageInput, required: true }) },
    resolve: (_root, { input }, context) => outcome(() => context.rules.messages.remove(viewerOf(context).id, input)),
  }),
}));
