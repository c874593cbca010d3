import { createHybridLogicalClock } from "../../src/clock/hlc.ts";
import { openDatabase } from "../../src/database/pool.ts";
import { createMessages } from "../../src/messages/messages.ts";
import { createMessagesStore } from "../../src/messages/messages.store.ts";

/** A node's sends without its doors: what is sent in one turn goes in one batch. */
export interface BareNode extends AsyncDisposable {
  /** How many went in each batch. */
  readonly batches: number[];
  send(senderId: string, roomId: string, content: string): Promise<{ id: string; position: number }>;
}

export function openBareNode(databaseUrl: string, nodeId: string): BareNode {
  const database = openDatabase({ url: databaseUrl, onFault: () => undefined });
  const batches: number[] = [];
  const messages = createMessages({
    store: createMessagesStore(database),
    hub: { publish: () => undefined },
    clock: createHybridLogicalClock({ now: Date.now }),
    nodeId,
    onBatch: (size) => batches.push(size),
  });
  return {
    batches,
    send: (id, roomId, content) => messages.send({ id, name: id, avatarUrl: null }, { roomId, content }),
    [Symbol.asyncDispose]: () => database.close(),
  };
}
