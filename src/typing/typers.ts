import type { BoardClock } from "../live/presence-board.clock.ts";
import type { UserRow } from "../log/changes.ts";
import { lifetimeMs, type Typist } from "./typing-announcement.ts";

/** Of one user in one room, where nothing else has happened in between. */
const announceEveryMs = 1_000;

type Typer = {
  user: UserRow;
  /** By connection, until when it types unless it says so again. */
  endsAtMs: Map<string, number>;
  announcedAtMs: number;
  /** Others believe that the user types. */
  isTold: boolean;
  /** Others do not know how long yet. */
  isDue: boolean;
  callOff: () => void;
};

export type TypersEvents = {
  /** For all nodes, this one included at once; the others are told once a second. */
  started(typist: Typist): void;
  stopped(userId: string): void;
  announceStart(typist: Typist): void;
  announceStop(userId: string): void;
  /** Nobody is left. */
  onEmpty(): void;
};

/** Who types in one room over connections of this node. */
export class Typers implements Disposable {
  readonly #clock: BoardClock;
  readonly #events: TypersEvents;
  readonly #typers = new Map<string, Typer>();
  /** Of all rooms together. */
  readonly #count: { typers: number };

  constructor(options: { clock: BoardClock; count: { typers: number }; events: TypersEvents }) {
    this.#clock = options.clock;
    this.#count = options.count;
    this.#events = options.events;
  }

  get size(): number {
    return this.#typers.size;
  }

  /** Those who type now. */
  get typists(): Typist[] {
    return [...this.#typers.values()].map((typer) => this.#typistOf(typer)).filter(({ leftMs }) => leftMs > 0);
  }

  start(user: UserRow, connection: string): void {
    const typer = this.#typers.get(user.id) ?? this.#add(user);
    typer.user = user;
    typer.endsAtMs.set(connection, this.#clock.monotonicMs() + lifetimeMs);
    typer.isDue = true;
    this.#events.started(this.#typistOf(typer));
    this.#look(typer);
  }

  stop(userId: string, connection: string): void {
    const typer = this.#typers.get(userId);
    if (!typer?.endsAtMs.delete(connection)) return;
    const typist = this.#typistOf(typer);
    if (typist.leftMs <= 0) return this.end(userId);
    // Another connection of the user goes on, perhaps not as long.
    typer.isDue = true;
    this.#events.started(typist);
    this.#look(typer);
  }

  /** Over all connections. The others are told at once. */
  end(userId: string): void {
    const typer = this.#typers.get(userId);
    if (!typer) return;
    this.#over(typer);
    if (typer.isTold) this.#events.announceStop(userId);
    typer.isTold = false;
    this.#look(typer);
  }

  /** Does what is due, and comes back when something will be. */
  #look(typer: Typer): void {
    typer.callOff();
    const nowMs = this.#clock.monotonicMs();
    const typist = this.#typistOf(typer);
    if (typist.leftMs <= 0 && typer.endsAtMs.size > 0) {
      // The others find that out by themselves.
      this.#over(typer);
      typer.isTold = false;
    }
    const nextMs = typer.announcedAtMs + announceEveryMs;
    if (typer.isDue && nowMs >= nextMs) this.#announce(typer, typist);
    const waitMs = typer.isDue || typist.leftMs <= 0 ? nextMs - nowMs : typist.leftMs;
    if (typist.leftMs <= 0 && waitMs <= 0) this.#forget(typer);
    else typer.callOff = this.#clock.after(Math.max(0, waitMs), () => this.#look(typer));
  }

  #announce(typer: Typer, typist: Typist): void {
    typer.announcedAtMs = this.#clock.monotonicMs();
    typer.isTold = true;
    typer.isDue = false;
    this.#events.announceStart(typist);
  }

  #over(typer: Typer): void {
    typer.endsAtMs.clear();
    typer.isDue = false;
    this.#events.stopped(typer.user.id);
  }

  #add(user: UserRow): Typer {
    const typer: Typer = {
      user,
      endsAtMs: new Map(),
      announcedAtMs: -Infinity,
      isTold: false,
      isDue: false,
      callOff: () => {},
    };
    this.#typers.set(user.id, typer);
    this.#count.typers += 1;
    return typer;
  }

  #forget(typer: Typer): void {
    this.#typers.delete(typer.user.id);
    this.#count.typers -= 1;
    if (this.#typers.size === 0) this.#events.onEmpty();
  }

  #typistOf({ user, endsAtMs }: Typer): Typist {
    return { user, leftMs: Math.max(0, ...endsAtMs.values()) - this.#clock.monotonicMs() };
  }

  [Symbol.dispose](): void {
    for (const { callOff } of this.#typers.values()) callOff();
    this.#count.typers -= this.#typers.size;
    this.#typers.clear();
  }
}
