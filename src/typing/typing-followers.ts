import { StateStream } from "../state-stream.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { UserRow } from "../log/changes.ts";

/** Who types in a room. */
export type TypingState = { roomId: string; users: UserRow[] };

/** After a change is told, those of so long are told together. */
const gatherMs = 200;

type Follower = { viewerId: string; stream: StateStream<TypingState>; version: number; isOver: boolean };

/** Those on this node who want to know who types in a room, and what they have been told. */
export class TypingFollowers implements Disposable {
  readonly #clock: BoardClock;
  readonly #typing: () => UserRow[];
  readonly #followers = new Set<Follower>();
  /** So many wait to know who may be told. */
  #holds = 0;
  #shown: TypingState;
  #version = 0;
  #toldVersion = 0;
  #toldAtMs = -Infinity;
  #callOffTelling: (() => void) | null = null;

  /** `typing`: who does now. */
  constructor(options: { roomId: string; clock: BoardClock; typing: () => UserRow[] }) {
    this.#clock = options.clock;
    this.#typing = options.typing;
    this.#shown = { roomId: options.roomId, users: [] };
  }

  get size(): number {
    return this.#followers.size;
  }

  get viewerIds(): string[] {
    return [...this.#followers].map(({ viewerId }) => viewerId);
  }

  /** Nothing is told, until `release`. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    this.#holds -= 1;
    this.#show();
    for (const { stream } of this.#followers) stream.changed();
  }

  /** Who types now, at once, and again whenever that changes. */
  add(viewerId: string, onClose: () => void): StateStream<TypingState> {
    const follower: Follower = {
      viewerId,
      version: -1,
      isOver: false,
      stream: new StateStream<TypingState>({
        take: () => this.#take(follower),
        onClose: () => {
          this.#followers.delete(follower);
          onClose();
        },
      }),
    };
    this.#followers.add(follower);
    this.#show();
    return follower.stream;
  }

  /** Nothing more is told to this viewer. */
  end(viewerId: string): void {
    for (const follower of this.#followers) {
      if (follower.viewerId !== viewerId) continue;
      follower.isOver = true;
      follower.stream.end();
    }
  }

  /** Others type than before, perhaps. */
  changed(): void {
    if (this.#callOffTelling || this.#followers.size === 0) return;
    const waitMs = this.#toldAtMs + gatherMs - this.#clock.monotonicMs();
    if (waitMs <= 0) return this.#tell();
    this.#callOffTelling = this.#clock.after(waitMs, () => {
      this.#callOffTelling = null;
      this.#tell();
    });
  }

  #take(follower: Follower): TypingState | null {
    if (this.#holds > 0 || follower.isOver || follower.version === this.#version) return null;
    follower.version = this.#version;
    return this.#shown;
  }

  #tell(): void {
    this.#show();
    if (this.#toldVersion === this.#version) return;
    this.#toldVersion = this.#version;
    this.#toldAtMs = this.#clock.monotonicMs();
    for (const { stream } of this.#followers) stream.changed();
  }

  #show(): void {
    const users = this.#typing();
    const ids = (list: readonly UserRow[]) => JSON.stringify(list.map(({ id }) => id));
    if (ids(users) === ids(this.#shown.users)) return;
    this.#shown = { ...this.#shown, users };
    this.#version += 1;
  }

  [Symbol.dispose](): void {
    this.#callOffTelling?.();
  }
}
