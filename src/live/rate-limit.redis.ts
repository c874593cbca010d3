import { readFileSync } from "node:fs";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { perKey } from "./rate-limit.keys.ts";
import type { RateLimit, RateLimitOptions } from "./rate-limit.ts";
import { earlyMs, TokenBucket, type Rate } from "./token-bucket.ts";

const script = readFileSync(new URL("./scripts/rate-limit-take.lua", import.meta.url), "utf8");
/** Of its rate and burst, what a key may do on one node without the others being told. */
const untoldShare = { perSecond: 1 / 10, burst: 1 / 6 };
/** A key that has done so much of its burst is told of each time. */
const nearShare = 1 / 2;
/** After Redis gave no answer it is left alone for so long. */
const pauseMs = 1_000;

/**
 * The limits of many nodes together, over Redis. A node first counts for itself, so it never lets through more than the rates
 * say, also while Redis is away. Who does little is not told to Redis: a message now and then costs no round trip, and
 * users can exceed their rate by what is untold on each of the other nodes (a tenth of the rate, a sixth of the burst). Who
 * does more is counted in Redis with all that was not told, and near the limit each time.
 */
export function openRedisRateLimit(options: RateLimitOptions & { redis: Redis | Cluster; log: Logger }): RateLimit {
  const { rates, redis, log, now = () => performance.now() } = options;
  const limiters = new Map(Object.entries(rates).map(([operation, rate]) => [operation, limiterOf(operation, rate)]));
  const counted = perKey(rates, (rate, operation) => new Counted(rate, limiters.get(operation)!));
  let pausedUntilMs = -Infinity;

  function limiterOf(operation: string, { burst, perSecond }: Rate): RateLimiterRedis {
    return new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `causerie:rate:${operation}`,
      points: burst,
      duration: burst / perSecond,
      customIncrTtlLuaScript: script,
    });
  }

  /** Null: there is no answer from Redis. */
  async function ask(limiter: RateLimiterRedis, key: string, points: number): Promise<RateLimiterRes | null> {
    try {
      return await limiter.consume(key, points);
    } catch (refused) {
      if (refused instanceof RateLimiterRes) return refused;
      if (now() >= pausedUntilMs) log.warn({ err: refused }, "Redis does not answer: each node limits rates alone");
      pausedUntilMs = now() + pauseMs;
      return null;
    }
  }

  async function takeFromAll(of: Counted, key: string): Promise<number> {
    // Told with this one: no other call tells them meanwhile.
    const untold = of.untold.levelAt(now());
    of.untold.correct(-untold);
    const answer = await ask(of.limiter, key, Math.ceil(untold) + 1);
    if (answer && answer.consumedPoints <= of.rate.burst) {
      of.counted(answer.consumedPoints, now());
      return 0;
    }
    of.untold.correct(untold);
    if (!answer) return 0;
    of.refused(now() + answer.msBeforeNext);
    return Math.max(1, answer.msBeforeNext);
  }

  return {
    take(operation, key) {
      const of = counted(operation, key);
      const nowMs = now();
      const waitMs = of.takeHere(nowMs);
      if (waitMs > 0) return waitMs;
      const goesUntold = nowMs < pausedUntilMs || (!of.isToTell(nowMs) && of.untold.take(nowMs) === 0);
      if (goesUntold) return of.inTurn(0);
      return of.inTurn(takeFromAll(of, key));
    },
  };
}

/** What this node knows of one key. */
class Counted {
  readonly rate: Rate;
  readonly limiter: RateLimiterRedis;
  /** What was done here and not told to Redis. */
  readonly untold: TokenBucket;
  readonly #here: TokenBucket;
  #refusedUntilMs = -Infinity;
  #nearUntilMs = -Infinity;
  #last: Promise<number> | undefined;

  constructor(rate: Rate, limiter: RateLimiterRedis) {
    this.rate = rate;
    this.limiter = limiter;
    this.#here = new TokenBucket(rate);
    this.untold = new TokenBucket({
      perSecond: rate.perSecond * untoldShare.perSecond,
      burst: rate.burst * untoldShare.burst,
    });
  }

  takeHere(nowMs: number): number {
    if (nowMs < this.#refusedUntilMs) return Math.ceil(this.#refusedUntilMs - nowMs);
    return this.#here.take(nowMs);
  }

  /** Redis has counted so much, of all nodes. */
  counted(level: number, nowMs: number): void {
    const { burst, perSecond } = this.rate;
    this.#nearUntilMs = nowMs + ((level - nearShare * burst) / perSecond) * 1_000;
  }

  /** Near the limit, and while Redis is being asked: it may be about to say so. */
  isToTell(nowMs: number): boolean {
    return this.#last !== undefined || nowMs < this.#nearUntilMs;
  }

  /** By all nodes together: it was not done, and until then Redis need not be asked. */
  refused(untilMs: number): void {
    this.#here.correct(-1);
    this.#refusedUntilMs = Math.max(this.#refusedUntilMs, untilMs - earlyMs);
    this.#nearUntilMs = Math.max(this.#nearUntilMs, untilMs);
  }

  /** The answer, not before those that were asked for earlier. */
  inTurn(answer: number | Promise<number>): number | Promise<number> {
    const before = this.#last;
    if (!before && typeof answer === "number") return answer;
    const mine = Promise.resolve(before).then(() => answer);
    this.#last = mine;
    void mine.then(() => {
      if (this.#last === mine) this.#last = undefined;
    });
    return mine;
  }
}
