/** Delays that grow with each failure, without an end to the tries. */
export interface Backoff {
  /** The delay before the next try: between 0 and `baseMs` doubled at each call, at most `maxMs` ("full jitter"). */
  nextDelayMs(): number;
  /** After a success: begins anew. */
  reset(): void;
}

/** How delays grow: from `baseMs` (500 unless given) to `maxMs` (30 s). */
export interface BackoffOptions {
  baseMs?: number;
  maxMs?: number;
  /** From 0 up to 1, as `Math.random`. */
  random?: () => number;
}

/** Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. */
export function createBackoff({ baseMs = 500, maxMs = 30_000, random = Math.random }: BackoffOptions = {}): Backoff {
  let failures = 0;
  return {
    nextDelayMs: () => random() * Math.min(maxMs, baseMs * 2 ** failures++),
    reset: () => {
      failures = 0;
    },
  };
}
