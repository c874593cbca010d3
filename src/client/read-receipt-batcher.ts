import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";
import { isFinalRefusal, retryDelayMs, type PlainOutcome, type RefusalCode } from "./send-outcome.ts";

/** How receipts are sent: those of 500 ms in one call of at most 500, 5,000 waiting at most, unless given. */
export interface ReadReceiptBatcherOptions {
  /** `markRead` of one room. */
  send: (messageIds: string[], signal: AbortSignal) => Promise<PlainOutcome>;
  /** The time from the first receipt to the call that carries it. */
  windowMs?: number;
  maxIdsPerCall?: number;
  /** How many receipts wait at most; beyond it the oldest are given up. */
  maxPending?: number;
  timeoutMs?: number;
  clock?: Clock;
  backoff?: BackoffOptions;
  /** Receipts that will not be sent: the server refuses them for good, or too many wait. */
  onGivenUp?: (messageIds: string[], reason: { code: RefusalCode | "TOO_MANY_PENDING"; message: string }) => void;
  /** A call that did not get through; it is repeated. */
  onError?: (error: unknown) => void;
}

/** So many receipts are remembered as sent; the server takes a repeated one for nothing. */
const maxRemembered = 10_000;

/**
 * Sends read receipts of one room together: those of 500 ms in one call of at most 500, each message once. A call that
 * fails is repeated with backoff until it gets through.
 */
export class ReadReceiptBatcher {
  readonly #options;
  readonly #backoff;
  readonly #pending = new Set<string>();
  readonly #sent = new Set<string>();
  #isStarted = false;
  #timer: unknown;
  #inFlight: { ids: ReadonlySet<string>; done: Promise<unknown> } | undefined;

  constructor(options: ReadReceiptBatcherOptions) {
    const {
      windowMs = 500,
      maxIdsPerCall = 500,
      maxPending = 5_000,
      timeoutMs = 30_000,
      clock = systemClock,
    } = options;
    this.#options = { ...options, windowMs, maxIdsPerCall, maxPending, timeoutMs, clock };
    this.#backoff = createBackoff(options.backoff);
  }

  start(): void {
    this.#isStarted = true;
    this.#schedule(this.#options.windowMs);
  }

  /** The user has read this message. */
  add(messageId: string): void {
    if (this.#sent.has(messageId) || this.#pending.has(messageId)) return;
    if (this.#pending.size >= this.#options.maxPending) this.#giveUpOldest();
    this.#pending.add(messageId);
    this.#schedule(this.#options.windowMs);
  }

  /** How many receipts are not told yet. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Nothing counts as sent any longer: the server's log is another one. */
  forgetSent(): void {
    this.#sent.clear();
  }

  /** Sends at once what waits, once; resolves when that is done, whether or not it got through. */
  async dispose(): Promise<void> {
    this.#isStarted = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const inFlight = this.#inFlight;
    const rest = [...this.#pending].filter((id) => !inFlight?.ids.has(id));
    await Promise.all([inFlight?.done, ...inChunks(rest, this.#options.maxIdsPerCall).map((ids) => this.#call(ids))]);
    this.#pending.clear();
  }

  #schedule(delayMs: number) {
    if (!this.#isStarted || this.#timer !== undefined || this.#inFlight || this.#pending.size === 0) return;
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, delayMs);
  }

  async #flush() {
    const ids = [...this.#pending].slice(0, this.#options.maxIdsPerCall);
    const done = this.#call(ids);
    this.#inFlight = { ids: new Set(ids), done };
    const waitMs = await done;
    this.#inFlight = undefined;
    const isFull = this.#pending.size >= this.#options.maxIdsPerCall;
    this.#schedule(waitMs ?? (isFull ? 0 : this.#options.windowMs));
  }

  /** One call; what is settled is no longer pending. Gives the time to wait before the next one where it failed. */
  async #call(ids: string[]): Promise<number | undefined> {
    const { clock, timeoutMs, send, onGivenUp, onError } = this.#options;
    try {
      const outcome = await withDeadline({ clock, timeoutMs }, (signal) => send(ids, signal));
      if (!outcome.ok && !isFinalRefusal(outcome)) return retryDelayMs(outcome, this.#backoff);
      if (!outcome.ok && ids.length > 1) return await this.#callHalves(ids);
      for (const id of ids) this.#pending.delete(id);
      this.#remember(ids);
      this.#backoff.reset();
      if (!outcome.ok) callSafely(onGivenUp, ids, { code: outcome.code, message: outcome.message });
      return undefined;
    } catch (error) {
      callSafely(onError, error);
      return this.#backoff.nextDelayMs();
    }
  }

  /** The server takes or refuses a call as a whole: the ones that it would take must not be lost with the one that it refuses. */
  async #callHalves(ids: string[]): Promise<number | undefined> {
    const middle = Math.ceil(ids.length / 2);
    return (await this.#call(ids.slice(0, middle))) ?? this.#call(ids.slice(middle));
  }

  #remember(ids: string[]) {
    for (const id of ids) this.#sent.add(id);
    for (const id of this.#sent) {
      if (this.#sent.size <= maxRemembered) return;
      this.#sent.delete(id);
    }
  }

  #giveUpOldest() {
    for (const id of this.#pending) {
      if (this.#inFlight?.ids.has(id)) continue;
      this.#pending.delete(id);
      callSafely(this.#options.onGivenUp, [id], { code: "TOO_MANY_PENDING", message: "Too many read receipts wait." });
      return;
    }
  }
}

function inChunks<T>(values: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
