import { LRUCache } from "lru-cache";
import { sqlStateOf } from "../database/faults.ts";
import { Refusal } from "../errors.ts";
import { checkText } from "../text.ts";
import type { UserRow } from "../log/changes.ts";
import { createLimiter } from "../log/limiter.ts";
import type { AccountsStore, FoundUser } from "./accounts.store.ts";

const maxKnownProfiles = 50_000;
/** How long another node's newer profile, or the loss of the user's row, may go unnoticed where a token comes again. */
const knownForMs = 60_000;
/** A search looks at all whose names begin so: those who search take turns, and leave connections to everything else. */
const maxSearches = 4;
const foreignKeyViolation = "23503";

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts({ store, clock = performance }: { store: AccountsStore; clock?: { now(): number } }) {
  // Profiles that this node has saved of late, so that an operation does not write what is already there.
  const known = new LRUCache<string, string>({ max: maxKnownProfiles, ttl: knownForMs, ttlResolution: 0, perf: clock });

  const searches = createLimiter(maxSearches);

  /** The user whom a token speaks for, with the profile in it. Saved where it is new or has changed. */
  async function signIn(identity: { userId: string; name: string | null; avatarUrl: string | null }): Promise<UserRow> {
    const user = { id: identity.userId, name: identity.name ?? identity.userId, avatarUrl: identity.avatarUrl };
    const profile = JSON.stringify([user.name, user.avatarUrl]);
    if (known.get(user.id) === profile) return user;
    await store.saveProfile(user);
    known.set(user.id, profile);
    return user;
  }

  /**
   * Runs what writes about the user themselves, by the user's id. Where it fails and the user turns out to be lost (a restored backup, a
   * failover, an erasure elsewhere), it runs once more with the user saved again.
   */
  async function inNameOf<Result>(user: UserRow, write: (userId: string) => Promise<Result>): Promise<Result> {
    try {
      return await write(user.id);
    } catch (error) {
      const isMissing = error instanceof Refusal && error.code === "NOT_FOUND";
      if (!isMissing && sqlStateOf(error) !== foreignKeyViolation) throw error;
      if (!(await store.saveLost(user))) throw error;
      return write(user.id);
    }
  }

  /** @throws Refusal INVALID for a search that is empty or too long */
  async function search(
    searcherId: string,
    query: { text: string; after: [string, string] | null; limit: number },
  ): Promise<FoundUser[]> {
    const text = checkText(query.text, { name: "search", max: 255 });
    return searches.run(searcherId, () => store.search({ ...query, text }));
  }

  /** The profile may not be in the database any more. */
  const forget = (userId: string) => void known.delete(userId);

  return { signIn, inNameOf, search, forget };
}
