import type { BoardClock } from "../../src/live/presence-board.clock.ts";

/** Stands still until it is moved. */
export class ManualClock implements BoardClock {
  #nowMs = 0;
  #wallMs = Date.UTC(2030, 0, 1);
  readonly #timers = new Set<{ atMs: number; call: () => void }>();

  monotonicMs = (): number => this.#nowMs;
  wallMs = (): number => this.#wallMs;

  after(ms: number, call: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, call };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Calls what is due on the way, each at its time. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (let timer = this.#nextUntil(endMs); timer !== undefined; timer = this.#nextUntil(endMs)) {
      this.#timers.delete(timer);
      this.#moveTo(Math.max(this.#nowMs, timer.atMs));
      timer.call();
    }
    this.#moveTo(endMs);
  }

  /** As an operator does who sets the machine's clock. */
  jumpWall(ms: number): void {
    this.#wallMs += ms;
  }

  #moveTo(ms: number): void {
    this.#wallMs += ms - this.#nowMs;
    this.#nowMs = ms;
  }

  #nextUntil(endMs: number) {
    let next: { atMs: number; call: () => void } | undefined;
    for (const timer of this.#timers)
      if (timer.atMs <= endMs && (next === undefined || timer.atMs < next.atMs)) next = timer;
    return next;
  }
}

/** The system's clock in a process that can be stopped: while it is, time goes on and nothing is called. */
export class StoppableClock implements BoardClock {
  #stopped = false;
  #due: (() => void)[] = [];

  monotonicMs = (): number => performance.now();
  wallMs = (): number => Date.now();

  after(ms: number, call: () => void): () => void {
    let calledOff = false;
    const run = () => {
      if (calledOff) return;
      if (this.#stopped) this.#due.push(run);
      else call();
    };
    const timer = setTimeout(run, ms);
    return () => {
      calledOff = true;
      clearTimeout(timer);
    };
  }

  stop(): void {
    this.#stopped = true;
  }

  goOn(): void {
    this.#stopped = false;
    const due = this.#due;
    this.#due = [];
    for (const run of due) run();
  }
}
