import { createBackoff, type Backoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { systemLock, type Lock } from "./lock.ts";
import type { Observable } from "./observable.ts";
import { createQueueContents, type QueueContents } from "./queue-contents.ts";
import { createQueueStore, type NewMessage, type OutgoingMessage, type QueuedMessage } from "./queued-message.ts";
import { isFinalRefusal, retryDelayMs, type Refused, type SendOutcome } from "./send-outcome.ts";
import type { KeyValueStorage } from "./storage.ts";
import { createUuid } from "./uuid.ts";

/** How a queue sends and where it keeps what waits. 1,000 messages and 30 s a try unless given. */
export interface OfflineQueueOptions<M> {
  /** Whose queue it is, best the server's address and the user's id: another user's messages are not this one's to send. */
  name: string;
  storage: KeyValueStorage;
  /** Sends one message. A refusal is a result; whatever is thrown counts as no answer, and the same is sent again. */
  send: (message: OutgoingMessage, signal: AbortSignal) => Promise<SendOutcome<M>>;
  /** A fault of the storage, or something in it that is no message (which stays there). The queue goes on trying. */
  onFault: (error: unknown) => void;
  /** Keeps tabs on the same storage from sending at the same time. Without one between tabs the order still holds. */
  lock?: Lock;
  /** Beyond it `add` rejects; messages that failed count too. */
  maxItems?: number;
  /** After so long without an answer a try has come to nothing. */
  timeoutMs?: number;
  /** How often to look for what other tabs left behind. */
  refreshEveryMs?: number;
  clock?: Clock;
  backoff?: BackoffOptions;
  newId?: () => string;
}

/** A room's way to the server. */
interface Lane {
  readonly roomId: string;
  readonly backoff: Backoff;
  endPause: (() => void) | undefined;
  /** The next wait is over before it begins: it was ended while the lane was on its way to it. */
  isHurried: boolean;
}

/**
 * Sends messages in the order in which they were written, one at a time in each room and each room for itself, until the
 * server has them or refuses them for good. A message whose `add` resolved is in the storage until then, whatever happens
 * to the page; it is sent with one id at each try. A refused one is set aside as failed and keeps no other waiting.
 */
export class OfflineQueue<M = unknown> {
  /** Everything that waits or failed, and what was sent last (100), in the order in which it was written. */
  readonly items: Observable<readonly QueuedMessage<M>[]>;
  readonly #options;
  readonly #prefix: string;
  readonly #contents: QueueContents<M>;
  readonly #lanes = new Map<string, Lane>();
  readonly #life = new AbortController();
  #isStarted = false;
  #refreshTimer: unknown;

  constructor(options: OfflineQueueOptions<M>) {
    const { maxItems = 1_000, timeoutMs = 30_000, refreshEveryMs = 15_000 } = options;
    const { clock = systemClock, lock = systemLock, newId = createUuid, onFault, storage } = options;
    this.#options = { ...options, timeoutMs, refreshEveryMs, clock, lock };
    this.#prefix = `causerie/outbox/${encodeURIComponent(options.name)}/`;
    const store = createQueueStore(storage, this.#prefix);
    const onQueued = (roomId: string) => this.#wake(roomId);
    this.#contents = createQueueContents<M>({ store, maxItems, clock, newId, onFault, onQueued });
    this.items = this.#contents.items;
  }

  /** Goes on with what the storage holds. Rejects where it cannot be read; the queue then tries again by itself. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#scheduleRefresh();
    await this.refresh();
  }

  /**
   * Resolves when the message is in the storage; rejects where it cannot be kept there.
   * @throws QueueFullError where as many wait or failed as may
   */
  async add(message: NewMessage): Promise<QueuedMessage<M>> {
    if (!this.#isStarted || this.#isDisposed) throw new Error("The queue is not started or was disposed of.");
    return this.#contents.add(message);
  }

  /** Sends a failed message again, in its old place, or one that waits at once. False where it is no longer there. */
  async retry(clientMessageId: string): Promise<boolean> {
    const item = this.#contents.find(clientMessageId);
    if (!item) return false;
    const isThere =
      item.status !== "failed" || (await this.#locked(item, () => this.#contents.queueAgain(clientMessageId)));
    this.#hurry(item.roomId);
    return isThere;
  }

  /**
   * Takes a message out, after a try that is under way. False where it is no longer there: it was sent, say. One whose
   * last try got no answer (`UNREACHED`) may be with the server all the same.
   */
  async discard(clientMessageId: string): Promise<boolean> {
    const item = this.#contents.find(clientMessageId);
    return item !== undefined && this.#locked(item, () => this.#contents.remove(clientMessageId));
  }

  /** Ends every wait between tries: the connection is back. */
  retryNow(): void {
    for (const roomId of this.#lanes.keys()) this.#hurry(roomId);
  }

  /** Looks at the storage for what other tabs added, sent or discarded. Happens by itself every 15 s and before each send. */
  refresh(): Promise<void> {
    return this.#contents.look();
  }

  /** Ends every wait and leaves no timer behind; what was not sent stays in the storage. The queue does not start again. */
  dispose(): void {
    this.#life.abort(new Error("The queue was disposed of."));
    this.#options.clock.clearTimeout(this.#refreshTimer);
    for (const lane of this.#lanes.values()) lane.endPause?.();
  }

  get #isDisposed() {
    return this.#life.signal.aborted;
  }

  /** While no tab sends a message of that room. */
  #locked<T>({ roomId }: { roomId: string }, work: () => Promise<T>): Promise<T> {
    return this.#options.lock(this.#prefix + encodeURIComponent(roomId), work);
  }

  #wake(roomId: string) {
    if (this.#lanes.has(roomId) || this.#isDisposed) return;
    const lane = { roomId, backoff: createBackoff(this.#options.backoff), endPause: undefined, isHurried: false };
    this.#lanes.set(roomId, lane);
    void this.#run(lane);
  }

  #hurry(roomId: string) {
    const lane = this.#lanes.get(roomId);
    if (!lane) return;
    lane.backoff.reset();
    if (lane.endPause) lane.endPause();
    else lane.isHurried = true;
  }

  /** Sends a room's messages until none waits; that is looked at in the same breath as the lane ends. */
  async #run(lane: Lane) {
    while (this.#contents.head(lane.roomId) && !this.#isDisposed) {
      lane.isHurried = false;
      const waitMs = await this.#tryStep(lane);
      if (waitMs > 0 && !lane.isHurried && !this.#isDisposed) await this.#pause(lane, waitMs);
    }
    this.#lanes.delete(lane.roomId);
  }

  /** Gives the time to wait before the next step. */
  async #tryStep(lane: Lane): Promise<number> {
    try {
      return await this.#locked(lane, () => this.#step(lane));
    } catch (error) {
      callSafely(this.#options.onFault, error);
      return lane.backoff.nextDelayMs();
    }
  }

  async #step(lane: Lane): Promise<number> {
    const head = await this.#contents.lookAtHead(lane.roomId);
    if (!head || this.#isDisposed) return 0;
    const item: QueuedMessage<M> = { ...head, status: "sending", attempts: head.attempts + 1 };
    this.#contents.show(item);
    const outcome = await this.#attempt(item);
    if (outcome.ok) {
      lane.backoff.reset();
      await this.#contents.noteSent(item, outcome.message);
      return 0;
    }
    const reason = { code: outcome.code, message: outcome.message };
    if (isFinalRefusal(outcome)) {
      lane.backoff.reset();
      await this.#contents.noteFailed(item, reason);
      return 0;
    }
    this.#contents.show({ ...item, status: "queued", lastError: reason });
    return retryDelayMs(outcome, lane.backoff);
  }

  async #attempt({
    clientMessageId,
    roomId,
    content,
    replyToId,
  }: OutgoingMessage): Promise<SendOutcome<M> | Refused<"UNREACHED">> {
    const { clock, timeoutMs, send } = this.#options;
    const message = { clientMessageId, roomId, content, replyToId };
    try {
      return await withDeadline({ clock, timeoutMs, signal: this.#life.signal }, (signal) => send(message, signal));
    } catch (error) {
      return { ok: false, code: "UNREACHED", message: error instanceof Error ? error.message : String(error) };
    }
  }

  #pause(lane: Lane, delayMs: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const end = () => {
        clock.clearTimeout(timer);
        lane.endPause = undefined;
        resolve();
      };
      const timer = clock.setTimeout(end, delayMs);
      lane.endPause = end;
    });
  }

  #scheduleRefresh() {
    const { clock, refreshEveryMs } = this.#options;
    this.#refreshTimer = clock.setTimeout(() => void this.#refreshAgain(), refreshEveryMs);
  }

  async #refreshAgain() {
    try {
      await this.refresh();
    } catch (error) {
      callSafely(this.#options.onFault, error);
    }
    if (!this.#isDisposed) this.#scheduleRefresh();
  }
}
