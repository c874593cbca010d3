import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { withDeadline } from "./deadline.ts";

/** How a room is told: a start every 2 s at most, a stop 3 s after the last input, unless given. */
export interface TypingNotifierOptions {
  /** `setTyping` of one room. */
  send: (isTyping: boolean, signal: AbortSignal) => Promise<void> | void;
  /** The least time between two starts. */
  startEveryMs?: number;
  /** The time without input after which the user has stopped. */
  stopAfterMs?: number;
  /** How long others believe a start that is not renewed: after that a stop need not be repeated any longer. */
  lifetimeMs?: number;
  clock?: Clock;
  backoff?: BackoffOptions;
  /** A call that failed. A stop is repeated; a start comes again with the next input. */
  onError?: (error: unknown) => void;
}

/**
 * Tells one room that the user is typing: a start at most every 2 s while there is input, one stop 3 s after the last. A
 * start that was told is always followed by a stop, which is repeated until it arrives or others have forgotten the
 * start by themselves. Calls are made one after the other, so that none overtakes another.
 */
export class TypingNotifier {
  readonly #send: TypingNotifierOptions["send"];
  readonly #times: { startEveryMs: number; stopAfterMs: number; lifetimeMs: number };
  readonly #clock: Clock;
  readonly #backoff;
  readonly #onError: ((error: unknown) => void) | undefined;
  /** Aborted by `dispose`; undefined while not started. */
  #life: AbortController | undefined;
  #isTyping = false;
  #wantsStart = false;
  /** Whether others may believe that the user is typing. */
  #isTold = false;
  #isSending = false;
  #lastInputMs = 0;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #nextStopMs = Number.NEGATIVE_INFINITY;
  #timer: unknown;

  constructor(options: TypingNotifierOptions) {
    const { startEveryMs = 2_000, stopAfterMs = 3_000, lifetimeMs = 5_000, clock = systemClock } = options;
    this.#send = options.send;
    this.#times = { startEveryMs, stopAfterMs, lifetimeMs };
    this.#clock = clock;
    this.#backoff = createBackoff({ baseMs: 250, maxMs: 2_000, ...options.backoff });
    this.#onError = options.onError;
  }

  start(): void {
    this.#life ??= new AbortController();
  }

  /** The user typed something. Without effect while not started. */
  input(): void {
    if (!this.#life) return;
    const nowMs = this.#now();
    this.#isTyping = true;
    this.#lastInputMs = nowMs;
    // Between two starts an input needs no other.
    this.#wantsStart ||= nowMs - this.#lastStartMs >= this.#times.startEveryMs;
    this.#go();
  }

  /** The user stopped: the text was sent or cleared. */
  stop(): void {
    this.#rest();
    this.#go();
  }

  /** Tells the stop where one is due, at once and once, and leaves no timer behind. */
  dispose(): void {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    this.#rest();
    this.#clock.clearTimeout(this.#timer);
    this.#isSending = false;
    life.abort(new Error("The typing notifier was disposed of."));
    if (this.#isTold) void this.#sendLast();
    this.#isTold = false;
  }

  /** Does what is due now and sets the timer for what is due next. */
  #go() {
    const life = this.#life;
    if (!life || this.#isSending) return;
    this.#clock.clearTimeout(this.#timer);
    const nowMs = this.#now();
    const stopMs = this.#lastInputMs + this.#times.stopAfterMs;
    if (this.#isTyping && nowMs >= stopMs) this.#rest();
    if (this.#isTyping) {
      const wantsStart = this.#wantsStart || !this.#isTold;
      const startMs = wantsStart ? this.#lastStartMs + this.#times.startEveryMs : Number.POSITIVE_INFINITY;
      if (nowMs >= startMs) void this.#call(true, life.signal);
      else this.#wake(Math.min(startMs, stopMs) - nowMs);
    } else if (this.#isTold) {
      if (nowMs >= this.#nextStopMs) void this.#call(false, life.signal);
      else this.#wake(this.#nextStopMs - nowMs);
    }
  }

  #rest() {
    this.#isTyping = false;
    this.#wantsStart = false;
    this.#nextStopMs = Number.NEGATIVE_INFINITY;
  }

  /** The clock's time; one that was set back must not stretch a wait. */
  #now() {
    const nowMs = this.#clock.now();
    this.#lastInputMs = Math.min(this.#lastInputMs, nowMs);
    this.#lastStartMs = Math.min(this.#lastStartMs, nowMs);
    return nowMs;
  }

  #wake(delayMs: number) {
    this.#timer = this.#clock.setTimeout(() => this.#go(), delayMs);
  }

  async #call(isTyping: boolean, signal: AbortSignal) {
    this.#isSending = true;
    if (isTyping) this.#noteStart();
    try {
      const timeoutMs = this.#times.lifetimeMs;
      await withDeadline({ clock: this.#clock, timeoutMs, signal }, (cut) => this.#send(isTyping, cut));
      if (!isTyping) this.#isTold = false;
      this.#backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (!isTyping) this.#noteLostStop();
      callSafely(this.#onError, error);
    } finally {
      // A call of an earlier life must not disturb the one that came after it.
      if (!signal.aborted) {
        this.#isSending = false;
        this.#go();
      }
    }
  }

  #noteStart() {
    this.#wantsStart = false;
    this.#isTold = true;
    this.#lastStartMs = this.#clock.now();
  }

  #noteLostStop() {
    const nowMs = this.#now();
    this.#isTold = nowMs - this.#lastStartMs < this.#times.lifetimeMs;
    this.#nextStopMs = nowMs + this.#backoff.nextDelayMs();
  }

  async #sendLast() {
    try {
      await this.#send(false, new AbortController().signal);
    } catch (error) {
      callSafely(this.#onError, error);
    }
  }
}
