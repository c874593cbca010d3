import type { BoardClock } from "../live/presence-board.clock.ts";
import type { UserRow } from "../log/changes.ts";
import type { Typist } from "./typing-announcement.ts";

/** Who comes when so many are typing is shown once one of them has stopped. */
const maxTyping = 50;
/** Nodes where one user types at the same time. Beyond: passed over. */
const maxSources = 8;

type Entry = { user: UserRow; endsAtMs: Map<string, number> };

/** Who types in one room, as far as this node was told. What is not told again ends by itself, whatever became of the teller. */
export class TypingList implements Disposable {
  readonly #clock: BoardClock;
  readonly #onChange: () => void;
  /** Who began first comes first. */
  readonly #entries = new Map<string, Entry>();
  #callOffEnd: (() => void) | null = null;
  #nextEndMs = Infinity;

  constructor(options: { clock: BoardClock; onChange: () => void }) {
    this.#clock = options.clock;
    this.#onChange = options.onChange;
  }

  get users(): UserRow[] {
    return [...this.#entries.values()].map(({ user }) => user);
  }

  start({ user, leftMs }: Typist, source: string): void {
    let entry = this.#entries.get(user.id);
    const isNew = entry === undefined;
    if (isNew && this.#entries.size >= maxTyping) return;
    entry ??= { user, endsAtMs: new Map() };
    if (!entry.endsAtMs.has(source) && entry.endsAtMs.size >= maxSources) return;
    const endsAtMs = this.#clock.monotonicMs() + leftMs;
    entry.user = user;
    entry.endsAtMs.set(source, endsAtMs);
    this.#entries.set(user.id, entry);
    this.#wakeAt(endsAtMs);
    if (isNew) this.#onChange();
  }

  stop(userId: string, source: string): void {
    const entry = this.#entries.get(userId);
    if (!entry?.endsAtMs.delete(source) || entry.endsAtMs.size > 0) return;
    this.drop(userId);
  }

  /** Wherever the user types. */
  drop(userId: string): void {
    if (this.#entries.delete(userId)) this.#onChange();
  }

  #wakeAt(timeMs: number): void {
    if (timeMs >= this.#nextEndMs) return;
    this.#callOffEnd?.();
    this.#nextEndMs = timeMs;
    this.#callOffEnd = this.#clock.after(Math.max(0, timeMs - this.#clock.monotonicMs()), () => this.#end());
  }

  #end(): void {
    this.#callOffEnd = null;
    this.#nextEndMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    let next = Infinity;
    for (const [userId, { endsAtMs }] of this.#entries) {
      for (const [source, atMs] of endsAtMs) {
        if (atMs <= nowMs) this.stop(userId, source);
        else next = Math.min(next, atMs);
      }
    }
    if (next < Infinity) this.#wakeAt(next);
  }

  [Symbol.dispose](): void {
    this.#callOffEnd?.();
    this.#entries.clear();
  }
}
