import { rateLimited } from "./errors.ts";
import type { Rules } from "./graphql/builder.ts";
import type { RateLimit } from "./live/rate-limit.ts";

/** What each user may do, and each address where nobody is signed in yet. */
export const rates = {
  sendMessage: { perSecond: 10, burst: 30 },
  changeMessage: { perSecond: 10, burst: 30 },
  markRead: { perSecond: 10, burst: 60 },
  setTyping: { perSecond: 5, burst: 20 },
  setPresence: { perSecond: 2, burst: 20 },
  createRoom: { perSecond: 0.5, burst: 20 },
  changeRoom: { perSecond: 5, burst: 50 },
  signIn: { perSecond: 1, burst: 30 },
} as const;

export type LimitedOperation = keyof typeof rates;

/** Comes back when it may be done. @throws Refusal RATE_LIMITED */
export type CheckRate = (operation: LimitedOperation, key: string) => void | Promise<void>;

export function createRateCheck(limit: RateLimit): CheckRate {
  const check = (waitMs: number) => {
    if (waitMs > 0) throw rateLimited(waitMs);
  };
  return function checkRate(operation, key) {
    const waitMs = limit.take(operation, key);
    return typeof waitMs === "number" ? check(waitMs) : waitMs.then(check);
  };
}

/** The same rules, which each user is kept to at these rates. */
export function withRates(rules: Rules, checkRate: CheckRate): Rules {
  const { messages, receipts, typing, presence, rooms } = rules;

  function limited<Actor extends string | { id: string }, Input extends unknown[], Result>(
    operation: LimitedOperation,
    rule: (actor: Actor, ...input: Input) => Promise<Result>,
  ) {
    return async (actor: Actor, ...input: Input): Promise<Result> => {
      await checkRate(operation, typeof actor === "string" ? actor : actor.id);
      return rule(actor, ...input);
    };
  }

  return {
    ...rules,
    messages: {
      ...messages,
      send: limited("sendMessage", messages.send),
      edit: limited("changeMessage", messages.edit),
      remove: limited("changeMessage", messages.remove),
    },
    receipts: { ...receipts, markRead: limited("markRead", receipts.markRead) },
    typing: { ...typing, set: limited("setTyping", typing.set) },
    presence: { ...presence, set: limited("setPresence", presence.set) },
    rooms: {
      ...rooms,
      create: limited("createRoom", rooms.create),
      openDirect: limited("createRoom", rooms.openDirect),
      update: limited("changeRoom", rooms.update),
      addMember: limited("changeRoom", rooms.addMember),
      removeMember: limited("changeRoom", rooms.removeMember),
      updateMember: limited("changeRoom", rooms.updateMember),
    },
  };
}
