import { Refusal } from "../errors.ts";

/** What a subscription costs for each event, as the query's limits count it, and where it takes part. */
export type LiveCost = {
  userId: string;
  /** What the events come from: a room, or all of the user's. */
  scope: string;
  /** Subscriptions with equal keys are executed once for all of them. Null for one that is executed by itself. */
  key: string | null;
  cost: number;
};

type Scope = { cost: number; shared: Map<string, Share> };
/** Of those who ask alike: what the first of them was counted for, whatever the text of another costs. */
type Share = { readonly cost: number; holders: number };

export type LiveCosts = ReturnType<typeof createLiveCosts>;

/**
 * What each user's open subscriptions cost for one event: bounded, for an event is executed for each that asks otherwise, so
 * that one user with many of them could keep a node busy with every message of a room.
 */
export function createLiveCosts({ maxCost }: { maxCost: number }) {
  const scopes = new Map<string, Scope>();

  /**
   * Gives what is called once the subscription is over.
   * @throws Refusal RATE_LIMITED where the user's subscriptions would cost too much
   */
  function take({ userId, scope: scopeName, key, cost }: LiveCost): () => void {
    const name = JSON.stringify([userId, scopeName]);
    const scope = scopes.get(name) ?? { cost: 0, shared: new Map<string, Share>() };
    const present = key === null ? undefined : scope.shared.get(key);
    const share = present ?? { cost, holders: 0 };
    if (!present) {
      if (scope.cost + cost > maxCost) {
        throw new Refusal(
          "RATE_LIMITED",
          `Your open subscriptions would cost up to ${scope.cost + cost} for each event, more than ${maxCost}: ask alike, or for less.`,
        );
      }
      scopes.set(name, scope);
      scope.cost += cost;
      if (key !== null) scope.shared.set(key, share);
    }
    share.holders += 1;
    let isTaken = true;
    return function giveBack() {
      if (!isTaken) return;
      isTaken = false;
      share.holders -= 1;
      if (share.holders > 0) return;
      if (key !== null) scope.shared.delete(key);
      scope.cost -= share.cost;
      if (scope.cost === 0) scopes.delete(name);
    };
  }

  return {
    take,
    /** How many users' rooms are counted. */
    get scopes() {
      return scopes.size;
    },
  };
}
