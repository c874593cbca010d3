import type { BoardClock } from "./presence-board.clock.ts";
import { isVisible } from "./presence-board.sum.ts";
import type { CountedSession } from "./presence-board.sum.ts";
import type { NewSession, SessionState } from "./presence-board.ts";

export interface LocalSession extends CountedSession {
  readonly userId: string;
}

interface Held {
  session: LocalSession;
  closing: boolean;
}

/**
 * A session is new, says something else or has ended. `seenMs`: when the user was last seen by it, where it was visible and is
 * no longer, else 0.
 */
type OnChange = (session: LocalSession, seenMs: number) => void;

/** The sessions of this node: the truth that the board elsewhere is a copy of. */
export class LocalSessions {
  readonly #sessions = new Map<string, Held>();
  readonly #ofUser = new Map<string, Set<string>>();
  readonly #clock: BoardClock;
  readonly #nowMs: () => number;
  readonly #onChange: OnChange;
  readonly #callOff = new Set<() => void>();

  constructor(options: { clock: BoardClock; nowMs: () => number; onChange: OnChange }) {
    this.#clock = options.clock;
    this.#nowMs = options.nowMs;
    this.#onChange = options.onChange;
  }

  get size(): number {
    return this.#sessions.size;
  }

  has(sessionId: string): boolean {
    return this.#sessions.has(sessionId);
  }

  get(sessionId: string): LocalSession | undefined {
    return this.#sessions.get(sessionId)?.session;
  }

  ofUser(userId: string): LocalSession[] {
    return [...(this.#ofUser.get(userId) ?? [])].flatMap((id) => this.get(id) ?? []);
  }

  users(): Iterable<string> {
    return this.#ofUser.keys();
  }

  open({ sessionId, userId, status, device, roomId }: NewSession): void {
    if (this.#sessions.has(sessionId)) {
      this.update(sessionId, { status, device, roomId });
      return;
    }
    const session = { sessionId, userId, status, device, roomId, changedAtMs: this.#nowMs() };
    this.#sessions.set(sessionId, { session, closing: false });
    const ids = this.#ofUser.get(userId) ?? new Set();
    this.#ofUser.set(userId, ids.add(sessionId));
    this.#onChange(session, 0);
  }

  update(sessionId: string, change: Partial<SessionState>): boolean {
    const held = this.#sessions.get(sessionId);
    if (held === undefined || held.closing) return false;
    const before = held.session;
    const { status = before.status, device = before.device, roomId = before.roomId } = change;
    if (status === before.status && device === before.device && roomId === before.roomId) return true;
    held.session = { ...before, status, device, roomId, changedAtMs: this.#nowMs() };
    const hidden = isVisible(before) && !isVisible(held.session);
    this.#onChange(held.session, hidden ? held.session.changedAtMs : 0);
    return true;
  }

  /** It was last seen now, and goes on to count for `graceMs`. */
  close(sessionId: string, graceMs: number): void {
    const held = this.#sessions.get(sessionId);
    if (held === undefined || held.closing) return;
    held.closing = true;
    const seenMs = isVisible(held.session) ? this.#nowMs() : 0;
    const callOff = this.#clock.after(graceMs, () => {
      this.#callOff.delete(callOff);
      this.#end(held.session, seenMs);
    });
    this.#callOff.add(callOff);
  }

  /** Nothing ends by itself any more. */
  stop(): void {
    for (const callOff of this.#callOff) callOff();
    this.#callOff.clear();
  }

  #end(session: LocalSession, seenMs: number): void {
    this.#sessions.delete(session.sessionId);
    const ids = this.#ofUser.get(session.userId);
    ids?.delete(session.sessionId);
    if (ids?.size === 0) this.#ofUser.delete(session.userId);
    this.#onChange(session, seenMs);
  }
}
