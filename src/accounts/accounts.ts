import { LRUCache } from "lru-cache";
import type { UserRow } from "../log/changes.ts";
import type { AccountsStore, FoundUser } from "./accounts.store.ts";
import { checkText } from "../graphql/text.ts";

const maxKnownProfiles = 50_000;

export type Accounts = ReturnType<typeof createAccounts>;

export function createAccounts({ store }: { store: AccountsStore }) {
  // Profiles that this node has saved, so that an operation does not write what is already there.
  const known = new LRUCache<string, string>({ max: maxKnownProfiles });

  /** The user whom a token speaks for, with the profile in it. Saved where it is new or has changed. */
  async function signIn(identity: { userId: string; name: string | null; avatarUrl: string | null }): Promise<UserRow> {
    const user = { id: identity.userId, name: identity.name ?? identity.userId, avatarUrl: identity.avatarUrl };
    const profile = JSON.stringify([user.name, user.avatarUrl]);
    if (known.get(user.id) === profile) return user;
    await store.saveProfile(user);
    known.set(user.id, profile);
    return user;
  }

  /** @throws Refusal INVALID for a search that is empty or too long */
  async function search(query: { text: string; after: [string, string] | null; limit: number }): Promise<FoundUser[]> {
    return store.search({ ...query, text: checkText(query.text, { name: "search", max: 255 }) });
  }

  /** The profile may not be in the database any more. */
  const forget = (userId: string) => void known.delete(userId);

  return { signIn, search, forget };
}
