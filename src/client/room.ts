import {
  DeleteMessageDocument,
  EditMessageDocument,
  MarkReadDocument,
  type MarkReadInput,
  type RoomCountsFragment,
} from "./generated/operations.ts";
import type { BackoffOptions } from "./backoff.ts";
import type { LinkState } from "./connector.ts";
import { messageKey } from "./message-key.ts";
import type { Observable } from "./observable.ts";
import type { OfflineQueue } from "./offline-queue.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import type { QueuedMessage } from "./queued-message.ts";
import { ReadReceiptBatcher } from "./read-receipt-batcher.ts";
import type { Member, Message, RoomEvent, User } from "./room-event.ts";
import { RoomLog, type PendingMessage, type RoomLogOptions, type RoomStatus } from "./room-log.ts";
import type { Receipts } from "./room-receipts.ts";
import { createRoomTyping, type RoomTyping } from "./room-typing.ts";
import type { PlainOutcome } from "./send-outcome.ts";

/** A message of the server, or one of the user's own that waits or failed. */
export type RoomMessage = Message | PendingMessage;

export interface RoomOptions extends RoomLogOptions {
  queue: OfflineQueue<Message>;
  link: Observable<LinkState>;
  backoff?: BackoffOptions | undefined;
  /** The user's count of unread messages after they read some. */
  onCounts: (counts: RoomCountsFragment) => void;
}

/** One room: its messages, members and receipts, kept current, and what the user can do in it. */
export class Room {
  readonly id: string;
  readonly status: Observable<RoomStatus>;
  /** In room order, then what waits to be sent. */
  readonly messages: Observable<readonly RoomMessage[]>;
  /** Whether there are older messages to load. */
  readonly hasOlder: Observable<boolean>;
  /** Who is in the room, in the order in which they came. */
  readonly members: Observable<readonly Member[]>;
  readonly receipts: Observable<Receipts>;
  /** Who other than the user is typing now; watched only while somebody listens. */
  readonly typing: Observable<readonly User[]>;
  readonly #typing: RoomTyping;
  readonly #options: RoomOptions;
  readonly #log: RoomLog;
  readonly #batcher: ReadReceiptBatcher;
  readonly #stopQueue: () => void;
  #isDisposed = false;
  /** Messages that the queue sent and that the log has already. */
  readonly #shown = new WeakSet<QueuedMessage<Message>>();
  #pending: readonly PendingMessage[] = [];

  constructor(options: RoomOptions) {
    const { queue, clock, onFault } = options;
    this.#options = options;
    this.#log = new RoomLog(options);
    this.id = options.roomId;
    this.status = this.#log.status;
    this.messages = this.#log.buffer.messages;
    this.hasOlder = this.#log.hasOlder;
    this.members = this.#log.members.members;
    this.receipts = this.#log.receipts.receipts;
    this.#typing = createRoomTyping({ ...options, status: this.status });
    this.typing = this.#typing.users;
    const send = (messageIds: string[], signal: AbortSignal) => this.#markRead({ messageIds }, signal);
    this.#batcher = new ReadReceiptBatcher({
      send,
      clock,
      onError: onFault,
      onGivenUp: (messageIds, { message }) => onFault(new Error(`Not told as read: ${messageIds.join()}: ${message}`)),
    });
    this.#batcher.start();
    // What was sent before is in the page that is loaded.
    for (const item of queue.items.get()) this.#shown.add(item);
    this.#stopQueue = queue.items.subscribe(() => this.#takeQueue());
    this.#takeQueue();
    this.messages.subscribe(() => this.#discardConfirmed());
    this.#log.load();
  }

  /** For lists, see `messageKey`. */
  keyOf(message: RoomMessage): string {
    return messageKey(message, this.#options.userId);
  }

  /** Loads the page before the oldest message; resolves when it is there. @throws OperationError, or an Error when there is no answer in time */
  loadOlder(): Promise<void> {
    return this.#log.loadOlder();
  }

  /** Resolves when the message is kept, to be sent as soon as that can be. @throws QueueFullError, or what the storage threw */
  send(message: { content: string; replyToId?: string }): Promise<QueuedMessage<Message>> {
    this.#typing.stop();
    return this.#options.queue.add({ roomId: this.id, ...message });
  }

  /** The user typed something: others are told now and then, and when it ends. */
  noteTyping(): void {
    this.#typing.input();
  }

  /** The text was cleared. */
  stopTyping(): void {
    this.#typing.stop();
  }

  /** Sends a failed message again. False where it is no longer there. */
  retry(clientMessageId: string): Promise<boolean> {
    return this.#options.queue.retry(clientMessageId);
  }

  /** Takes out a message that was not sent. False where it is no longer there. */
  discard(clientMessageId: string): Promise<boolean> {
    return this.#options.queue.discard(clientMessageId);
  }

  /** @throws OperationError, or an Error when there is no answer in time; the same may be tried again */
  async edit(messageId: string, content: string): Promise<Outcome<Message>> {
    const input = { roomId: this.id, messageId, content };
    const { editMessage } = await this.#options.requests.ask(EditMessageDocument, { input }, { isRepeatable: true });
    return this.#show(outcomeOf(editMessage.message, editMessage.userErrors));
  }

  /** @throws OperationError, or an Error when there is no answer in time; the same may be tried again */
  async delete(messageId: string): Promise<Outcome<Message>> {
    const input = { roomId: this.id, messageId };
    const { deleteMessage } = await this.#options.requests.ask(
      DeleteMessageDocument,
      { input },
      { isRepeatable: true },
    );
    return this.#show(outcomeOf(deleteMessage.message, deleteMessage.userErrors));
  }

  /** The user has read this message: told with others of half a second, again until it gets through. */
  noteRead(messageId: string): void {
    this.#batcher.add(messageId);
  }

  /** The user has read everything up to this message. @throws OperationError, or an Error when there is no answer in time */
  markAllRead(upToId: string): Promise<PlainOutcome> {
    return this.#markRead({ upToId });
  }

  /** Whether something is still to be told to the server: it must not be closed before. */
  get isBusy(): boolean {
    return this.#batcher.waiting > 0;
  }

  /** Events of this room, from the feed. */
  take(events: readonly RoomEvent[]): void {
    this.#log.take(events);
  }

  /** Forgets what came from the server, and loads it anew. */
  reset(): void {
    this.#batcher.forgetSent();
    this.#log.reset();
  }

  /** Tells at once what was read; leaves no timer behind. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    this.#stopQueue();
    this.#typing.dispose();
    this.#log.dispose();
    await this.#batcher.dispose();
  }

  #show(outcome: Outcome<Message>): Outcome<Message> {
    if (outcome.ok) this.#log.put(outcome.value);
    return outcome;
  }

  async #markRead(what: Omit<MarkReadInput, "roomId">, signal?: AbortSignal): Promise<PlainOutcome> {
    const { requests, onCounts } = this.#options;
    const { markRead } = await requests.ask(
      MarkReadDocument,
      { input: { roomId: this.id, ...what } },
      { signal, isRepeatable: true },
    );
    const outcome = outcomeOf(markRead.room, markRead.userErrors);
    if (!outcome.ok) return outcome;
    onCounts(outcome.value);
    return { ok: true };
  }

  #takeQueue() {
    const items = this.#options.queue.items.get().filter(({ roomId }) => roomId === this.id);
    for (const item of items) {
      if (item.status !== "sent" || !item.message || this.#shown.has(item)) continue;
      this.#shown.add(item);
      this.#log.buffer.put(item.message);
    }
    const pending = items.filter(({ status }) => status !== "sent");
    const isSame = pending.length === this.#pending.length && pending.every((item, at) => item === this.#pending[at]);
    if (isSame) return;
    this.#pending = pending;
    this.#log.buffer.setOptimistic(pending);
  }

  /**
   * A message that the server took although its answer was lost, and then refused when it was sent again since the user had
   * been removed meanwhile: the user is back and sees it, it did not fail.
   */
  #discardConfirmed() {
    const failed = this.#pending.filter(({ status }) => status === "failed");
    if (failed.length === 0 || this.#isDisposed) return;
    const shown = new Set<RoomMessage>(this.messages.get().slice(-this.#pending.length));
    for (const item of failed) if (!shown.has(item)) discardSafely(this.#options, item.clientMessageId);
  }
}

function discardSafely({ queue, onFault }: RoomOptions, clientMessageId: string) {
  // Should it not be possible now, it is tried again at the next change.
  queue.discard(clientMessageId).catch(onFault);
}
