import { StateStream } from "../state-stream.ts";
import type { Audience, Told } from "./audience.ts";
import { hiddenState, looksAlike, type PresenceState } from "./presence-state.ts";

/** The first of the rooms in which both are members; null where there is none. */
export type VisibleRoom = (viewerId: string, of: Pick<PresenceState, "userId" | "roomIds">) => Promise<string | null>;

/** One subscriber of an audience: first all of it in one list, then what has changed. */
export class Follower {
  readonly viewerId: string;
  readonly stream: StateStream<PresenceState[]>;
  readonly #visibleRoom: VisibleRoom;
  /** Null: not yet, or no more. */
  #audience: Audience | null = null;
  /** The version that the subscriber has. */
  #version = -1;
  readonly #parted = new Set<string>();
  #tellsRoomsAgain = false;

  constructor(options: { viewerId: string; visibleRoom: VisibleRoom; onClose: () => void }) {
    this.viewerId = options.viewerId;
    this.#visibleRoom = options.visibleRoom;
    this.stream = new StateStream({ take: () => this.#take(), onClose: options.onClose });
  }

  follow(audience: Audience): void {
    this.#audience = audience;
    this.stream.changed();
  }

  /** The viewer shares no room with these users any more: told once, as if they were OFFLINE. */
  part(userIds: Iterable<string>): void {
    for (const userId of userIds) this.#parted.add(userId);
  }

  /** The viewer's rooms have changed, and with them which of the users' rooms the viewer may see. */
  tellRoomsAgain(): void {
    this.#tellsRoomsAgain = true;
  }

  /** Nothing more of the audience is told, from now on. */
  leave(): void {
    this.#audience = null;
  }

  /** What is left is told, and nothing after it. */
  end(): void {
    this.stream.end();
  }

  async #take(): Promise<PresenceState[] | null> {
    const isFirst = this.#version === -1;
    const changed = this.#audience ? await this.#changes(this.#audience) : [];
    // Who left while that was found out is not told of.
    const audience = this.#audience;
    const states = audience ? changed.filter(({ userId }) => audience.has(userId)) : [];
    const parted = [...this.#parted].filter((userId) => !audience?.has(userId));
    this.#parted.clear();
    if (isFirst) return audience && states;
    return parted.length + states.length > 0 ? [...parted.map(hiddenState), ...states] : null;
  }

  async #changes(audience: Audience): Promise<PresenceState[]> {
    const after = this.#version;
    const entries = audience.since(after);
    this.#version = audience.version;
    const again = this.#tellsRoomsAgain && after >= 0 ? audience.since(-1).filter(hasRooms(after)) : [];
    this.#tellsRoomsAgain = false;
    const unseen = await this.#unseenOf(entries.filter((entry) => isMoveOnly(entry, after)));
    const seen = unseen.size === 0 ? entries : entries.filter((entry) => !unseen.has(entry));
    return [...seen, ...again].map(({ state }) => state);
  }

  /** A move between rooms that the viewer does not see is no change for the viewer. */
  async #unseenOf(moves: readonly Told[]): Promise<Set<Told>> {
    const isSeen = await Promise.all(
      // Where that cannot be found out it is told: what is shown of it is another question, asked for each response.
      moves.map((move) => this.#isSeen(move).catch(() => true)),
    );
    return new Set(moves.filter((_, index) => !isSeen[index]));
  }

  async #isSeen({ state, before }: Told): Promise<boolean> {
    const { viewerId } = this;
    const [one, other] = await Promise.all([
      // The user was in it when it was told, and may have left it.
      this.#visibleRoom(viewerId, { userId: viewerId, roomIds: before?.state.roomIds ?? [] }),
      this.#visibleRoom(viewerId, state),
    ]);
    return one !== other;
  }
}

/** To whoever has this version. */
const isMoveOnly = ({ state, before }: Told, version: number): boolean =>
  before !== null && before.version <= version && looksAlike(before.state, state);

/** Told in this version or before it. */
const hasRooms =
  (version: number) =>
  (told: Told): boolean =>
    told.version <= version && told.state.roomIds.length > 0;
