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

type Scope = { cost: number; holders: Map<string, number> };

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
    const scope = scopes.get(name) ?? { cost: 0, holders: new Map<string, number>() };
    const holders = key === null ? 0 : (scope.holders.get(key) ?? 0);
    const added = holders === 0 ? cost : 0;
    if (added > 0 && scope.cost + added > maxCost) {
      throw new Refusal(
        "RATE_LIMITED",
        `Your open subscriptions would cost up to ${scope.cost + added} for each event, more than ${maxCost}: ask alike, or for less.`,
      );
    }
    scopes.set(name, scope);
    scope.cost += added;
    if (key !== null) scope.holders.set(key, holders + 1);
    let isTaken = true;
    return function giveBack() {
      if (!isTaken) return;
      isTaken = false;
      const left = key === null ? 0 : scope.holders.get(key)! - 1;
      if (left > 0) {
        scope.holders.set(key!, left);
        return;
      }
      if (key !== null) scope.holders.delete(key);
      scope.cost -= cost;
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
