import type { BoardClock } from "../live/presence-board.clock.ts";
import type { PresenceBoard, Seen } from "../live/presence-board.ts";
import type { PresenceStore } from "./presence.store.ts";

const standard = {
  /** What comes within this time is written together. */
  gatherMs: 250,
  /** How often those who are here are written down. */
  everyMs: 60_000,
  retryAfterMs: 5_000,
};
const usersPerStatement = 1_000;
/** Beyond, the longest waiting is given up: the next interval, or another node, may write it. */
const maxWaiting = 100_000;
/** What is left when the server ends has this long. */
const endTimeoutMs = 2_000;

/**
 * Writes down when users were last seen: when they come, when the last of their sessions ends, and every minute while they are
 * here, so that a node that dies takes no more than that with it. Many users go in one statement.
 */
export class LastSeen implements AsyncDisposable {
  readonly #store: Pick<PresenceStore, "saveSeen">;
  readonly #board: Pick<PresenceBoard, "usersHere" | "onSeen">;
  readonly #clock: BoardClock;
  readonly #onFault: (fault: unknown) => void;
  readonly #times: typeof standard;
  readonly #waiting = new Map<string, number>();
  readonly #stopListening: () => void;
  #writing: Promise<void> | null = null;
  #callOffWrite: (() => void) | null = null;
  #callOffRound: () => void;
  #isEnding = false;

  constructor(
    options: {
      store: Pick<PresenceStore, "saveSeen">;
      board: Pick<PresenceBoard, "usersHere" | "onSeen">;
      clock: BoardClock;
      onFault: (fault: unknown) => void;
    } & Partial<typeof standard>,
  ) {
    this.#store = options.store;
    this.#board = options.board;
    this.#clock = options.clock;
    this.#onFault = options.onFault;
    this.#times = { ...standard, ...options };
    this.#stopListening = this.#board.onSeen((seen) => this.note(seen));
    const round = () => {
      this.#noteAllHere();
      this.#callOffRound = this.#clock.after(this.#times.everyMs, round);
    };
    this.#callOffRound = this.#clock.after(this.#times.everyMs, round);
  }

  note({ userId, atMs }: Seen): void {
    const known = this.#waiting.get(userId) ?? 0;
    this.#waiting.delete(userId);
    this.#waiting.set(userId, Math.max(known, atMs));
    if (this.#waiting.size > maxWaiting) this.#waiting.delete(this.#waiting.keys().next().value!);
    this.#writeAfter(this.#times.gatherMs);
  }

  #noteAllHere(): void {
    const atMs = this.#clock.wallMs();
    for (const userId of this.#board.usersHere()) this.note({ userId, atMs });
  }

  #writeAfter(ms: number): void {
    if (this.#writing || this.#isEnding) return;
    this.#callOffWrite ??= this.#clock.after(ms, () => {
      this.#callOffWrite = null;
      void this.#write();
    });
  }

  async #write(): Promise<void> {
    this.#writing ??= this.#writeAll();
    const failed = await this.#writing.then(
      () => false,
      (fault: unknown) => {
        this.#onFault(fault);
        return true;
      },
    );
    this.#writing = null;
    if (this.#waiting.size > 0) this.#writeAfter(failed ? this.#times.retryAfterMs : this.#times.gatherMs);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const batch = [...this.#waiting.entries().take(usersPerStatement)];
      await this.#store.saveSeen(batch.map(([userId, atMs]) => ({ userId, atMs })));
      // Seen again meanwhile: that is still to be written.
      for (const [userId, atMs] of batch) if (this.#waiting.get(userId) === atMs) this.#waiting.delete(userId);
    }
  }

  /** Whoever is here was seen now. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnding = true;
    this.#stopListening();
    this.#callOffRound();
    this.#noteAllHere();
    this.#callOffWrite?.();
    await this.#writing?.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, endTimeoutMs)));
    await Promise.race([this.#writeAll().catch(this.#onFault), late]);
    clearTimeout(timer);
    this.#waiting.clear();
  }
}
