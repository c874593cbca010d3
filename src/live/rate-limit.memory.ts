import { perKey } from "./rate-limit.keys.ts";
import type { RateLimit, RateLimitOptions } from "./rate-limit.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The limits of a server that is alone. */
export function openMemoryRateLimit({ rates, now = () => performance.now() }: RateLimitOptions): RateLimit {
  const bucketOf = perKey(rates, (rate) => new TokenBucket(rate));
  return { take: (operation, key) => bucketOf(operation, key).take(now()) };
}
