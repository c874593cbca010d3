interface Remembered {
  readonly seenMs: number;
  readonly profileRevision: number;
}

const nothing: Remembered = { seenMs: 0, profileRevision: 0 };

/** What this node knows of users beyond their sessions: of at most `max`, the least recently changed are forgotten. */
export class RememberedUsers {
  /** Least recently changed first. */
  readonly #users = new Map<string, Remembered>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get(userId: string): Remembered {
    return this.#users.get(userId) ?? nothing;
  }

  /** The greater of what was known and what is given stays. */
  note(userId: string, { seenMs = 0, profileRevision = 0 }: Partial<Remembered>): void {
    const before = this.get(userId);
    this.#users.delete(userId);
    this.#users.set(userId, {
      seenMs: Math.max(seenMs, before.seenMs),
      profileRevision: Math.max(profileRevision, before.profileRevision),
    });
    if (this.#users.size <= this.#max) return;
    const [oldest] = this.#users.keys();
    if (oldest !== undefined) this.#users.delete(oldest);
  }
}
