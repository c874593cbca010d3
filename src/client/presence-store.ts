import type { BackoffOptions } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { LinkState } from "./connector.ts";
import { PresenceDocument, type PresenceFieldsFragment } from "./generated/operations.ts";
import { watchLive } from "./live-watch.ts";
import { createVariable, type Observable, type Variable } from "./observable.ts";

/** What a user shows of themselves: status, devices, last seen, custom status, the room in view. */
export type Presence = PresenceFieldsFragment;

export interface PresenceStoreOptions {
  link: Observable<LinkState>;
  clock: Clock;
  backoff: BackoffOptions | undefined;
  onFault: (error: unknown) => void;
}

/** So many users a subscription. */
const maxUsers = 500;
/** Components that come and go together make one change. */
const settleMs = 100;

type Watched = { variable: Variable<Presence | undefined>; listeners: number };

/** The presence of those users that somebody looks at, over as few subscriptions as that takes. */
export class PresenceStore {
  readonly #options: PresenceStoreOptions;
  readonly #watched = new Map<string, Watched>();
  #stops: (() => void)[] = [];
  #timer: unknown;
  #watchedIds = "[]";
  #isDisposed = false;

  constructor(options: PresenceStoreOptions) {
    this.#options = options;
  }

  /** Undefined until it is known, while there is no connection, and where the two users share no room. Watched only while somebody listens. */
  of(userId: string): Observable<Presence | undefined> {
    return {
      get: () => this.#watched.get(userId)?.variable.get(),
      subscribe: (listener) => {
        const watched = this.#watched.get(userId) ?? {
          variable: createVariable<Presence | undefined>(undefined),
          listeners: 0,
        };
        this.#watched.set(userId, watched);
        if (watched.listeners++ === 0) this.#settle();
        const stop = watched.variable.subscribe(listener);
        let isOver = false;
        return () => {
          if (isOver) return;
          isOver = true;
          stop();
          if (--watched.listeners === 0) this.#settle();
        };
      },
    };
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#options.clock.clearTimeout(this.#timer);
    for (const stop of this.#stops.splice(0)) stop();
  }

  #settle() {
    if (this.#isDisposed) return;
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      this.#watchAgain();
    }, settleMs);
  }

  #watchAgain() {
    for (const [userId, { listeners }] of this.#watched) if (listeners === 0) this.#watched.delete(userId);
    const userIds = Array.from(this.#watched.keys());
    const key = JSON.stringify(userIds);
    // Those who looked away look again.
    if (key === this.#watchedIds) return;
    this.#watchedIds = key;
    const before = this.#stops;
    this.#stops = [];
    for (let at = 0; at < userIds.length; at += maxUsers)
      this.#stops.push(this.#watch(userIds.slice(at, at + maxUsers)));
    for (const stop of before) stop();
  }

  #watch(userIds: string[]) {
    const { link, clock, backoff, onFault } = this.#options;
    return watchLive({
      link,
      clock,
      backoff,
      document: PresenceDocument,
      variables: { userIds },
      onData: ({ presence }, isFirst) => {
        const told = new Map(presence.map((one) => [one.id, one]));
        for (const userId of isFirst ? userIds : told.keys()) this.#watched.get(userId)?.variable.set(told.get(userId));
      },
      // What was heard before is not shown as if it were so now.
      onLost: () => {
        for (const userId of userIds) this.#watched.get(userId)?.variable.set(undefined);
      },
      onFault,
    });
  }
}
