import { rateLimited } from "../errors.ts";

/** What an operation counts at least among those that run. */
export const leastCost = 1_000;
/** The same of all that one user has running: each may keep a connection to the database, and many must be left to others. */
const leastShare = 10_000;

export type SharesOptions = {
  /** What may run of one user's at a time, as the query's limits count it: while there is more, others of the same user wait. */
  maxCost: number;
  /** Of one user, where nothing else bounds them. */
  maxWaiting: number;
  waitTimeoutMs: number;
};

type TakeOptions = {
  /** Waits for its turn, however many wait and however long that takes: only so many of its kind can wait. */
  isPatient?: boolean;
  /** Counts what it costs, however small: changes have rates of their own, and many at once share what they need of the database. */
  isChange?: boolean;
};

type Share = { cost: number; waiting: Set<() => void> };

export type Shares = ReturnType<typeof createShares>;

/** Each user's share of a node, by whichever doors: however much somebody asks for at once, it runs bit by bit. */
export function createShares({ maxCost, maxWaiting, waitTimeoutMs }: SharesOptions) {
  const byUser = new Map<string, Share>();

  /**
   * Comes back in its turn, with what gives the share back, which may be called repeatedly.
   * @throws Refusal RATE_LIMITED where too many wait, or its turn does not come in time
   */
  async function take(
    userId: string,
    operationCost: number,
    { isPatient = false, isChange = false }: TakeOptions = {},
  ): Promise<() => void> {
    const cost = Math.max(operationCost, isChange ? leastCost : leastShare);
    const share = byUser.get(userId) ?? { cost: 0, waiting: new Set() };
    byUser.set(userId, share);
    if (share.cost < maxCost) share.cost += cost;
    else if (isPatient) await turn(share, { cost, timeoutMs: null });
    else if (share.waiting.size < maxWaiting) await turn(share, { cost, timeoutMs: waitTimeoutMs });
    else throw rateLimited(waitTimeoutMs);
    let isTaken = true;
    return function giveBack() {
      if (!isTaken) return;
      isTaken = false;
      share.cost -= cost;
      for (const begin of share.waiting) {
        if (share.cost >= maxCost) return;
        begin();
      }
      if (share.cost === 0) byUser.delete(userId);
    };
  }

  function turn(share: Share, { cost, timeoutMs }: { cost: number; timeoutMs: number | null }): Promise<void> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const begin = () => {
        clearTimeout(timer);
        share.waiting.delete(begin);
        share.cost += cost;
        resolve();
      };
      share.waiting.add(begin);
      if (timeoutMs === null) return;
      timer = setTimeout(() => {
        share.waiting.delete(begin);
        reject(rateLimited(timeoutMs));
      }, timeoutMs);
    });
  }

  return { take };
}
