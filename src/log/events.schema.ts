import type { ObjectRef } from "@pothos/core";
import { User } from "../accounts/accounts.schema.ts";
import { builder, type SchemaTypes } from "../graphql/builder.ts";
import { Message } from "../messages/messages.schema.ts";
import { Member, Room } from "../rooms/rooms.schema.ts";
import type { MemberChange, MessageChange, ReadRange, ReceiptChange, RoomEvent } from "./changes.ts";
import { formatCursor } from "./cursor.ts";
import type { CaughtUp, FeedItem } from "./selection.ts";

type EventBase = Pick<RoomEvent, "type" | "roomId" | "revision" | "previous">;
type EventOf<Change> = Change & EventBase;

export const RoomEventKind = builder.enumType("RoomEventKind", {
  values: ["MESSAGE", "RECEIPT", "MEMBER", "ROOM"] as const,
});

export const RoomEventType = builder.interfaceRef<EventBase>("RoomEvent").implement({
  description: `One durable change of a room. While live a subscriber gets each one. A catch-up gives the latest state: a message sent
since then comes as MessageSent at its position with its present content, an older one that changed as
MessageEdited or MessageDeleted at its last change; a message that changes meanwhile may come once more. Put messages
into a store by \`id\`, the newer \`version\` wins, and order them by \`position\`.`,
  fields: (t) => ({
    room: t.field({ type: Room, resolve: (event) => ({ id: event.roomId }) }),
    cursor: t.field({ type: "Cursor", resolve: (event) => formatCursor(event.roomId, event.revision) }),
    previousCursor: t.field({
      type: "Cursor",
      nullable: true,
      description:
        "The event of these kinds before it in the room. Newer than the newest cursor that the client holds for the room: something was lost. Equal or older: nothing was.",
      resolve: (event) => (event.previous === null ? null : formatCursor(event.roomId, event.previous)),
    }),
  }),
  resolveType: (event) => event.type,
});

function messageEvent(name: MessageChange["type"]) {
  return builder.objectRef<EventOf<MessageChange>>(name).implement({
    interfaces: [RoomEventType],
    fields: (t) => ({ message: t.field({ type: Message, resolve: (event) => event.message }) }),
  });
}

function memberEvent(name: "MemberJoined" | "MemberUpdated") {
  return builder.objectRef<EventOf<MemberChange>>(name).implement({
    interfaces: [RoomEventType],
    fields: (t) => ({ member: t.field({ type: Member, resolve: (event) => event.member }) }),
  });
}

const MessageSent = messageEvent("MessageSent");
const MessageEdited = messageEvent("MessageEdited");
const MessageDeleted = messageEvent("MessageDeleted");
const MemberJoined = memberEvent("MemberJoined");
const MemberUpdated = memberEvent("MemberUpdated");

const MemberLeft = builder.objectRef<EventOf<MemberChange>>("MemberLeft").implement({
  description:
    "The last event of this room that the removed member gets, whatever `kinds` says; nothing later reaches them.",
  interfaces: [RoomEventType],
  fields: (t) => ({ user: t.field({ type: User, resolve: (event) => ({ id: event.member.userId }) }) }),
});

const RoomUpdated = builder.objectRef<EventBase>("RoomUpdated").implement({ interfaces: [RoomEventType] });

const ReadRangeType = builder.objectRef<ReadRange & { roomId: string }>("ReadRange").implement({
  fields: (t) => ({
    reader: t.field({ type: User, resolve: (range) => ({ id: range.readerId }) }),
    from: t.field({ type: "Cursor", resolve: (range) => formatCursor(range.roomId, range.from) }),
    through: t.field({ type: "Cursor", resolve: (range) => formatCursor(range.roomId, range.through) }),
    readAt: t.field({ type: "DateTime", resolve: (range) => range.readAt }),
  }),
});

const MessagesRead = builder.objectRef<EventOf<ReceiptChange>>("MessagesRead").implement({
  description:
    "Receipts that were committed together. Exact: others' messages with a position in a range, both ends included, were read.",
  interfaces: [RoomEventType],
  fields: (t) => ({
    ranges: t.field({
      type: [ReadRangeType],
      resolve: ({ roomId, ranges }) => ranges.map((range) => ({ ...range, roomId })),
    }),
  }),
});

const CaughtUpType = builder.objectRef<CaughtUp>("CaughtUp").implement({
  description:
    "Not a change: everything up to these positions (one for each room of the subscription) has been delivered, what follows is live.",
  fields: (t) => ({ cursors: t.field({ type: ["Cursor"], resolve: (caughtUp) => caughtUp.cursors }) }),
});

const itemTypes = [
  MessageSent,
  MessageEdited,
  MessageDeleted,
  MessagesRead,
  MemberJoined,
  MemberUpdated,
  MemberLeft,
  RoomUpdated,
  CaughtUpType,
];

const FeedItemType = builder.unionType("FeedItem", {
  types: itemTypes as ObjectRef<SchemaTypes, FeedItem>[],
  resolveType: (item) => item.type,
});

// The hub executes these: it subscribes itself, and gives each item as the root value.
const throughTheHub = (): never => {
  throw new Error("The log's subscriptions go through the hub.");
};

builder.subscriptionFields((t) => ({
  roomEvents: t.field({
    type: FeedItemType,
    description: `One room's durable changes. With \`after\`: first everything since that position, then live, with no
gap, no duplicate and no reordering between the two. Without: live from now on.
\`CaughtUp\` comes once, when what follows is live, with the position to resume from.`,
    args: {
      roomId: t.arg.id({ required: true }),
      after: t.arg({ type: "Cursor" }),
      kinds: t.arg({ type: [RoomEventKind] }),
    },
    subscribe: throughTheHub,
    resolve: (item) => item as FeedItem,
  }),
  inbox: t.field({
    type: FeedItemType,
    description: "The same for all of the viewer's rooms over one subscription, rooms joined later included.",
    args: { after: t.arg({ type: ["Cursor"] }), kinds: t.arg({ type: [RoomEventKind] }) },
    subscribe: throughTheHub,
    resolve: (item) => item as FeedItem,
  }),
}));
