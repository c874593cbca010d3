import { systemClock, type Clock } from "./clock.ts";

/** `warned`: idle soon, unless the user does something. */
export type IdleState = "active" | "warned" | "idle";

/** What is watched, and who is told. Idle after 5 minutes with a warning 1 minute before, unless given. */
export interface IdleDetectorOptions {
  /** Where the user's doings are seen: `document` or `window` in a browser. */
  target: EventTarget;
  /** What counts as a doing. `scroll` is left out as a page scrolls by itself when a message comes. */
  events?: readonly string[];
  idleAfterMs?: number;
  warnBeforeMs?: number;
  clock?: Clock;
  /** Once per stretch of idleness, `warnBeforeMs` before its end; left out where the machine slept past it. */
  onWarning?: () => void;
  /** Once per stretch of idleness. */
  onIdle?: () => void;
  /** At the first doing after a warning or idleness. */
  onActive?: () => void;
}

const usualEvents = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"];
/** Captured, as an element may keep an event from rising; the options must be the same to remove a listener. */
const listenerOptions = { capture: true, passive: true };

/** Tells when a user has done nothing for a while: idle after 5 minutes, with a warning 1 minute before. */
export class IdleDetector {
  readonly #options: Required<Pick<IdleDetectorOptions, "events" | "idleAfterMs" | "warnBeforeMs" | "clock">> &
    IdleDetectorOptions;
  #state: IdleState = "active";
  #isStarted = false;
  #lastActivityMs = 0;
  #timer: unknown;

  constructor(options: IdleDetectorOptions) {
    const { events = usualEvents, idleAfterMs = 300_000, warnBeforeMs = 60_000, clock = systemClock } = options;
    if (!(warnBeforeMs >= 0 && warnBeforeMs < idleAfterMs)) {
      throw new RangeError("The warning must come before the idleness: 0 <= warnBeforeMs < idleAfterMs.");
    }
    this.#options = { ...options, events, idleAfterMs, warnBeforeMs, clock };
  }

  get state(): IdleState {
    return this.#state;
  }

  /** Begins as active, also after `dispose`. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#state = "active";
    const { target, events, clock } = this.#options;
    for (const event of events) target.addEventListener(event, this.#onActivity, listenerOptions);
    this.#lastActivityMs = clock.now();
    this.#schedule();
  }

  /** Removes every listener and timer; nothing is told afterwards. */
  dispose(): void {
    if (!this.#isStarted) return;
    this.#isStarted = false;
    const { target, events, clock } = this.#options;
    for (const event of events) target.removeEventListener(event, this.#onActivity, listenerOptions);
    clock.clearTimeout(this.#timer);
  }

  readonly #onActivity = () => {
    this.#lastActivityMs = this.#options.clock.now();
    if (this.#state === "active") return;
    const wasIdle = this.#state === "idle";
    this.#state = "active";
    // After a warning the timer still runs; it looks at the time of the last doing itself.
    if (wasIdle) this.#schedule();
    this.#options.onActive?.();
  };

  #schedule() {
    const { clock, idleAfterMs, warnBeforeMs } = this.#options;
    const limitMs = this.#state === "active" ? idleAfterMs - warnBeforeMs : idleAfterMs;
    this.#timer = clock.setTimeout(() => this.#check(), limitMs - this.#quietMs());
  }

  #check() {
    const { idleAfterMs, warnBeforeMs, onIdle, onWarning } = this.#options;
    const quietMs = this.#quietMs();
    if (quietMs >= idleAfterMs) {
      this.#state = "idle";
      onIdle?.();
      return;
    }
    const isWarning = this.#state === "active" && quietMs >= idleAfterMs - warnBeforeMs;
    if (isWarning) this.#state = "warned";
    this.#schedule();
    if (isWarning) onWarning?.();
  }

  #quietMs() {
    const nowMs = this.#options.clock.now();
    // A clock that was set back must not stretch the wait.
    this.#lastActivityMs = Math.min(this.#lastActivityMs, nowMs);
    return nowMs - this.#lastActivityMs;
  }
}
