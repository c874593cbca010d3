import { parseHlc } from "../clock/hlc.ts";
import type { RefusalCode } from "./send-outcome.ts";
import type { KeyValueStorage } from "./storage.ts";

/** What the user wrote. */
export interface NewMessage {
  roomId: string;
  content: string;
  replyToId?: string;
}

/** What is sent; the same id at each try, so that the server posts it once. */
export interface OutgoingMessage extends NewMessage {
  clientMessageId: string;
}

/** Why a message was refused, or why its last try came to nothing (`UNREACHED`: no answer). */
export interface FailureReason {
  code: RefusalCode | "UNREACHED";
  message: string;
}

/** What of a queued message outlives a reload. */
export interface StoredMessage extends OutgoingMessage {
  queuedAtMs: number;
  /** A reading of a hybrid logical clock as text: the order in which the messages of all tabs were written. */
  order: string;
  /** Only where the server refused the message for good: it is not sent again by itself. */
  failure?: FailureReason | undefined;
}

/** `queued`: waits for its turn or its next try. `sending`: a try is under way. `failed`: refused for good. */
export type QueueStatus = "queued" | "sending" | "sent" | "failed";

/** A message of the queue in its present state; a new object with each change. */
export interface QueuedMessage<M = unknown> extends StoredMessage {
  status: QueueStatus;
  /** The tries since this page was loaded. */
  attempts: number;
  /** Of a message that waits: why its last try came to nothing. */
  lastError?: FailureReason | undefined;
  /** Of a sent message: what the server made of it. */
  message?: M;
}

/** The queue's part of the storage: a key for each message, so that tabs do not write over each other. */
export interface QueueStore {
  ids(): Promise<Set<string>>;
  /** @throws SyntaxError where what is stored is no message */
  read(clientMessageId: string): Promise<StoredMessage | undefined>;
  write(message: StoredMessage): Promise<void>;
  remove(clientMessageId: string): Promise<void>;
}

export function createQueueStore(storage: KeyValueStorage, prefix: string): QueueStore {
  return {
    ids: async () => new Set((await storage.keys(prefix)).map((key) => key.slice(prefix.length))),
    async read(clientMessageId) {
      const text = await storage.get(prefix + clientMessageId);
      return text === undefined ? undefined : parseStored(text, clientMessageId);
    },
    write: (message) => storage.set(prefix + message.clientMessageId, JSON.stringify(message)),
    remove: (clientMessageId) => storage.delete(prefix + clientMessageId),
  };
}

function parseStored(text: string, clientMessageId: string): StoredMessage {
  const stored = JSON.parse(text) as StoredMessage;
  const texts = [stored?.roomId, stored?.content, stored?.order];
  if (stored?.clientMessageId !== clientMessageId || texts.some((value) => typeof value !== "string")) {
    throw new SyntaxError(`What is stored under ${clientMessageId} is no queued message.`);
  }
  parseHlc(stored.order);
  return stored;
}
