import type { Logger } from "pino";
import { looksAlike } from "./presence-board.sum.ts";
import type { PresenceWatch, UserPresence } from "./presence-board.ts";

interface Watch {
  readonly listener: (presence: UserPresence) => void;
  /** False until the user's state is known: what it becomes known as is no change. */
  readonly users: Map<string, boolean>;
}

interface WatchedUser {
  readonly watches: Set<Watch>;
  last: UserPresence;
}

interface WatchesOptions {
  readonly maxUsers: number;
  readonly presenceOf: (userId: string) => UserPresence;
  /** Resolves when as much is known of them as can be. */
  readonly know: (userIds: readonly string[]) => Promise<void>;
  /** Nobody here watches them any more. */
  readonly forget: (userIds: readonly string[]) => void;
  readonly log: Logger;
}

/** Who on this node watches whom, and what they were told last. */
export class Watches {
  readonly #users = new Map<string, WatchedUser>();
  readonly #options: WatchesOptions;

  constructor(options: WatchesOptions) {
    this.#options = options;
  }

  /** Users watched. */
  get size(): number {
    return this.#users.size;
  }

  async open(userIds: Iterable<string>, listener: Watch["listener"]): Promise<PresenceWatch | "full"> {
    const watch: Watch = { listener, users: new Map() };
    if ((await this.#add(watch, userIds)) === "full") return "full";
    return {
      current: (ids = watch.users.keys()) => [...new Set(ids)].map(this.#options.presenceOf),
      add: (ids) => this.#add(watch, ids),
      remove: (ids) => this.#remove(watch, ids),
      close: () => this.#remove(watch, [...watch.users.keys()]),
    };
  }

  /** Looks at the user again, and tells whoever watches if there is something to tell. */
  refresh(userId: string): void {
    const user = this.#users.get(userId);
    if (user === undefined) return;
    const presence = this.#options.presenceOf(userId);
    if (looksAlike(presence, user.last)) return;
    user.last = presence;
    for (const watch of user.watches) if (watch.users.get(userId) === true) this.#tell(watch, presence);
  }

  #tell(watch: Watch, presence: UserPresence): void {
    try {
      watch.listener(presence);
    } catch (error) {
      // One listener's fault hinders no other.
      this.#options.log.error({ err: error }, "A listener of the presence board failed");
    }
  }

  async #add(watch: Watch, userIds: Iterable<string>): Promise<"watching" | "full"> {
    const added = [...new Set(userIds)].filter((userId) => !watch.users.has(userId));
    const unwatched = added.filter((userId) => !this.#users.has(userId));
    if (this.#users.size + unwatched.length > this.#options.maxUsers) return "full";
    for (const userId of added) {
      watch.users.set(userId, false);
      const user = this.#users.get(userId) ?? { watches: new Set(), last: this.#options.presenceOf(userId) };
      user.watches.add(watch);
      this.#users.set(userId, user);
    }
    await this.#options.know(added);
    for (const userId of added) if (watch.users.has(userId)) watch.users.set(userId, true);
    return "watching";
  }

  #remove(watch: Watch, userIds: Iterable<string>): void {
    const gone: string[] = [];
    for (const userId of userIds) {
      const user = this.#users.get(userId);
      if (!watch.users.delete(userId) || user === undefined) continue;
      user.watches.delete(watch);
      if (user.watches.size > 0) continue;
      this.#users.delete(userId);
      gone.push(userId);
    }
    if (gone.length > 0) this.#options.forget(gone);
  }
}
