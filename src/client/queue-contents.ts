import { createHybridLogicalClock, formatHlc, parseHlc } from "../clock/hlc.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import { compareTexts } from "./compare-texts.ts";
import { createLocalLock } from "./lock.ts";
import { createComputed, type Observable } from "./observable.ts";
import type { FailureReason, NewMessage, QueuedMessage, QueueStore, StoredMessage } from "./queued-message.ts";
import { createUuid } from "./uuid.ts";

/** The queue holds as many messages as it may; nothing was added. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";
}

/** What a queue holds, in the storage and in view of the app. Calls that change it are done one after the other. */
export interface QueueContents<M> {
  /** Everything that waits or failed, and what was sent last, in the order in which it was written. */
  readonly items: Observable<readonly QueuedMessage<M>[]>;
  /** A message that waits or failed. */
  find(id: string): QueuedMessage<M> | undefined;
  /** The oldest message of a room that is to be sent. */
  head(roomId: string): QueuedMessage<M> | undefined;
  /** Resolves when the message is in the storage. @throws QueueFullError */
  add(message: NewMessage): Promise<QueuedMessage<M>>;
  /** Takes in what other tabs added, and lets go of what they sent or discarded. */
  look(): Promise<void>;
  /** The head as the storage has it now; undefined also where that has changed: look at the head again. */
  lookAtHead(roomId: string): Promise<QueuedMessage<M> | undefined>;
  /** Shows another state of a message, which does not outlive the page. */
  show(item: QueuedMessage<M>): void;
  noteSent(item: QueuedMessage<M>, message: M): Promise<void>;
  noteFailed(item: QueuedMessage<M>, failure: FailureReason): Promise<void>;
  /** Makes a failed message one that waits. False where it is no longer there. */
  queueAgain(id: string): Promise<boolean>;
  /** False where it is no longer there. */
  remove(id: string): Promise<boolean>;
}

export interface QueueContentsOptions {
  store: QueueStore;
  maxItems: number;
  clock: Clock;
  newId: () => string;
  onFault: (error: unknown) => void;
  /** A message of this room is to be sent. */
  onQueued: (roomId: string) => void;
}

/** So many sent messages stay to be seen. */
const maxSentShown = 100;

export function createQueueContents<M>(options: QueueContentsOptions): QueueContents<M> {
  const { store, maxItems, clock, newId, onFault, onQueued } = options;
  const pending = new Map<string, QueuedMessage<M>>();
  const unreadable = new Set<string>();
  let sent: QueuedMessage<M>[] = [];
  const items = createComputed(() => [...pending.values(), ...sent].sort(byOrder));
  const tabName = createUuid().slice(0, 8);
  // A message is after all that the storage holds, also where the machine's clock was set back since.
  const writeOrder = createHybridLogicalClock({ now: () => clock.now(), maxDriftMs: 2 ** 46 });
  // Looking at the storage and changing it must not overlap, or the view takes what is being added for sent elsewhere.
  const lock = createLocalLock();
  const exclusively = <T>(work: () => Promise<T>) => lock("contents", work);

  function adopt(stored: StoredMessage): QueuedMessage<M> {
    writeOrder.absorb(parseHlc(stored.order).reading);
    const item: QueuedMessage<M> = { ...stored, status: stored.failure ? "failed" : "queued", attempts: 0 };
    pending.set(stored.clientMessageId, item);
    items.changed();
    if (item.status === "queued") onQueued(stored.roomId);
    return item;
  }

  function drop(id: string) {
    if (pending.delete(id)) items.changed();
  }

  function show(item: QueuedMessage<M>) {
    if (!pending.has(item.clientMessageId)) return;
    pending.set(item.clientMessageId, item);
    items.changed();
  }

  function head(roomId: string): QueuedMessage<M> | undefined {
    const waiting = [...pending.values()].filter((item) => item.roomId === roomId && item.status !== "failed");
    return waiting.length === 0 ? undefined : waiting.reduce((a, b) => (b.order < a.order ? b : a));
  }

  async function read(id: string): Promise<StoredMessage | undefined> {
    try {
      return await store.read(id);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      unreadable.add(id);
      callSafely(onFault, error);
      return undefined;
    }
  }

  /** Does `work` with the message as stored; lets it go from view where the storage has it no longer. */
  async function withStored(id: string, work: (stored: StoredMessage) => Promise<void>): Promise<boolean> {
    const stored = await read(id);
    if (stored) await work(stored);
    else drop(id);
    return stored !== undefined;
  }

  async function look() {
    const ids = await store.ids();
    for (const id of Array.from(pending.keys())) if (!ids.has(id)) drop(id);
    const known = new Set([...pending.keys(), ...sent.map((item) => item.clientMessageId), ...unreadable]);
    for (const id of ids) {
      if (known.has(id)) continue;
      const stored = await read(id);
      if (stored) adopt(stored);
    }
  }

  return {
    items,
    find: (id) => pending.get(id),
    head,
    show,
    look: () => exclusively(look),
    add: ({ roomId, content, replyToId }) =>
      exclusively(async () => {
        // What another tab added before must come before.
        await look();
        if (pending.size >= maxItems) throw new QueueFullError(`${maxItems} messages wait already.`);
        const order = formatHlc(writeOrder.now(), tabName);
        const stored = { clientMessageId: newId(), roomId, content, replyToId, queuedAtMs: clock.now(), order };
        await store.write(stored);
        return adopt(stored);
      }),
    lookAtHead: (roomId) =>
      exclusively(async () => {
        await look();
        const first = head(roomId);
        const stored = first && (await read(first.clientMessageId));
        if (!first || (stored && !stored.failure)) return first;
        drop(first.clientMessageId);
        if (stored) adopt(stored);
        return undefined;
      }),
    noteSent: (item, message) =>
      exclusively(async () => {
        pending.delete(item.clientMessageId);
        const done: QueuedMessage<M> = { ...item, status: "sent", lastError: undefined, message };
        sent = [...sent, done].slice(-maxSentShown);
        items.changed();
        await store.remove(item.clientMessageId);
      }),
    noteFailed: (item, failure) =>
      exclusively(async () => {
        show({ ...item, status: "failed", lastError: undefined, failure });
        // What another tab discarded or sent meanwhile must not come back.
        await withStored(item.clientMessageId, (stored) => store.write({ ...stored, failure }));
      }),
    queueAgain: (id) =>
      exclusively(() =>
        withStored(id, async (stored) => {
          const queued = { ...stored, failure: undefined };
          await store.write(queued);
          adopt(queued);
        }),
      ),
    remove: (id) =>
      exclusively(() =>
        withStored(id, async () => {
          await store.remove(id);
          drop(id);
        }),
      ),
  };
}

function byOrder(a: StoredMessage, b: StoredMessage): number {
  return compareTexts(a.order, b.order);
}
