import { LRUCache } from "lru-cache";
import type { Rates } from "./rate-limit.ts";
import type { Rate } from "./token-bucket.ts";

/** Of one operation; the key that was quiet for the longest is forgotten first. */
const maxKeys = 50_000;

/** What is kept for each operation and key, made when first asked for. */
export function perKey<T extends object>(
  rates: Rates,
  make: (rate: Rate, operation: string) => T,
): (operation: string, key: string) => T {
  for (const [operation, { burst, perSecond }] of Object.entries(rates))
    if (burst < perSecond) throw new TypeError(`The burst of ${operation} is of less than a second`);
  const kept = new Map(Object.keys(rates).map((operation) => [operation, new LRUCache<string, T>({ max: maxKeys })]));
  return function find(operation, key) {
    const ofOperation = kept.get(operation);
    if (!ofOperation) throw new TypeError(`There is no rate of ${operation}`);
    const present = ofOperation.get(key);
    if (present) return present;
    const made = make(rates[operation]!, operation);
    ofOperation.set(key, made);
    return made;
  };
}
