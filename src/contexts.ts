import { createUserLoaders } from "./accounts/accounts.schema.ts";
import type { AccountsStore } from "./accounts/accounts.store.ts";
import type { Connection, Context, Loaders, Rules, Viewer } from "./graphql/builder.ts";
import { lazily } from "./graphql/lazily.ts";
import type { AtHand } from "./log/selection.ts";
import { createMessageLoaders } from "./messages/messages.schema.ts";
import type { MessagesStore } from "./messages/messages.store.ts";
import { createPresenceLoaders } from "./presence/presence.schema.ts";
import { createReceiptLoaders } from "./receipts/receipts.schema.ts";
import type { ReceiptsStore } from "./receipts/receipts.store.ts";
import { createRoomLoaders } from "./rooms/rooms.schema.ts";
import type { RoomsStore } from "./rooms/rooms.store.ts";

export type Stores = { accounts: AccountsStore; rooms: RoomsStore; messages: MessagesStore; receipts: ReceiptsStore };

/** Makes the contexts of operations: one's own loaders for each, or common ones for executions that start together. */
export function createContexts({ stores, rules }: { stores: Stores; rules: Rules }) {
  const newLoaders = lazily<Loaders>([
    () => createUserLoaders(stores.accounts),
    () => createRoomLoaders(stores.rooms),
    () => createMessageLoaders(stores.messages),
    () => createReceiptLoaders(stores.receipts),
    () => createPresenceLoaders(rules.presence),
  ]);

  /** Of one operation. */
  function newContext(viewer: Viewer, connection: Connection | null): Context {
    const loadAnew = () => void (context.loaders = newLoaders());
    const context: Context = { viewer, connection, rules, loaders: newLoaders(), loadAnew };
    return context;
  }

  let loadersOfTurn: Loaders | undefined;

  /** Of one event of a subscription: those that are told in the same turn of the event loop load together. */
  function newEventContext(viewer: Viewer, connection: Connection | null): Context {
    if (!loadersOfTurn) {
      loadersOfTurn = newLoaders();
      setImmediate(() => (loadersOfTurn = undefined));
    }
    return { viewer, connection, rules, loaders: loadersOfTurn };
  }

  /** Of executions on the same events, whose rows are at hand for all who may see them. */
  function openContexts({ users, messages, rooms }: AtHand): (viewer: Viewer | null) => Context {
    const loaders = newLoaders();
    for (const user of users) loaders.users.prime(user.id, user);
    for (const row of rooms) loaders.roomViews.prime({ roomId: row.id, viewerId: null }, { row, membership: null });
    for (const message of messages) {
      loaders.messages.prime(
        { roomId: message.roomId, id: message.id, viewerId: null },
        { message, memberRevision: 0 },
      );
    }
    return (viewer) => ({ viewer, connection: null, rules, loaders });
  }

  return { newContext, newEventContext, openContexts };
}
