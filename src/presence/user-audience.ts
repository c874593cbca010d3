import { Audience, type AudienceUse } from "./audience.ts";
import type { Circle } from "./circle.ts";
import { Follower, type VisibleRoom } from "./follower.ts";
import { Insistence } from "./insistence.ts";
import type { PresenceStore } from "./presence.store.ts";

export type UserAudienceUse = AudienceUse & {
  store: Pick<PresenceStore, "readSharing">;
  visibleRoom: VisibleRoom;
  onFault: (fault: unknown) => void;
};

/** The presence of users whom one viewer named, as long as they share a room. */
export class UserAudience implements Disposable {
  readonly follower: Follower;
  readonly #use: UserAudienceUse;
  readonly #circle: Circle;
  readonly #userIds: ReadonlySet<string>;
  readonly #audience: Audience;
  readonly #insistence: Insistence;
  /** Who moved since the check that runs, or ran last, began. */
  #moved = new Set<string>();
  #hasViewerMoved = false;
  #isChecking = true;
  #isClosed = false;

  private constructor(options: {
    use: UserAudienceUse;
    circle: Circle;
    userIds: ReadonlySet<string>;
    audience: Audience;
    onClose: () => void;
  }) {
    this.#use = options.use;
    this.#circle = options.circle;
    this.#userIds = options.userIds;
    this.#audience = options.audience;
    this.#insistence = new Insistence(options.use);
    this.#circle.listeners.add(this.#onMove);
    this.follower = new Follower({
      viewerId: this.#circle.viewerId,
      visibleRoom: options.use.visibleRoom,
      onClose: () => {
        this[Symbol.dispose]();
        options.onClose();
      },
    });
  }

  /** Until the follower's stream is closed; then `onClose` is called. @throws Refusal RATE_LIMITED */
  static async open(options: {
    use: UserAudienceUse;
    circle: Circle;
    userIds: ReadonlySet<string>;
    onClose: () => void;
  }): Promise<UserAudience> {
    let opened: UserAudience | undefined;
    const audience = await Audience.open(options.use, () => opened?.follower.stream.changed());
    opened = new UserAudience({ ...options, audience });
    try {
      await opened.#check();
      audience.tell();
      opened.follower.follow(audience);
      void opened.#checkMoved();
      return opened;
    } catch (fault) {
      opened[Symbol.dispose]();
      throw fault;
    }
  }

  readonly #onMove = (userIds: ReadonlySet<string> | null): void => {
    const moved = [...this.#userIds].filter((userId) => userIds === null || userIds.has(userId));
    if (moved.length === 0) return;
    if (userIds === null) this.#hasViewerMoved = true;
    // Nothing is told of them until it is known whether the viewer may still see them.
    this.#audience.suspend(moved);
    for (const userId of moved) this.#moved.add(userId);
    if (!this.#isChecking) void this.#checkMoved();
  };

  async #checkMoved(): Promise<void> {
    this.#isChecking = true;
    while (this.#moved.size > 0 && !this.#isClosed) await this.#insistence.on(() => this.#check());
    this.#isChecking = false;
  }

  async #check(): Promise<void> {
    const before = this.#moved;
    this.#moved = new Set();
    try {
      const { viewerId } = this.#circle;
      const sights = [...this.#userIds].map((userId) => ({ viewerId, userId }));
      const sharing = await this.#use.store.readSharing(sights);
      if (!this.#isClosed) await this.#admit(new Set(sharing.map(({ userId }) => userId)));
    } catch (fault) {
      for (const userId of before) this.#moved.add(userId);
      throw fault;
    }
  }

  /** Whoever moved since that was read is left as they are: the next check is for them. */
  async #admit(visible: ReadonlySet<string>): Promise<void> {
    const parted = [...this.#audience.userIds].filter((userId) => !visible.has(userId) && !this.#moved.has(userId));
    this.#audience.remove(parted);
    this.follower.part(parted);
    await this.#audience.add([...visible].filter((userId) => !this.#moved.has(userId)));
    this.#audience.resume(this.#moved);
    if (this.#hasViewerMoved && this.#moved.size === 0) {
      this.#hasViewerMoved = false;
      this.follower.tellRoomsAgain();
    }
    this.#audience.tellSoon();
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#insistence[Symbol.dispose]();
    this.#circle.listeners.delete(this.#onMove);
    this.#audience[Symbol.dispose]();
  }
}
