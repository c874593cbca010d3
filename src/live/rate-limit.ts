import type { Rate } from "./token-bucket.ts";

/** By what is limited: `sendMessage`, say. */
export type Rates = Readonly<Record<string, Rate>>;

/** Keeps users, or whatever the keys stand for, to the rates of what they do. */
export interface RateLimit {
  /**
   * Counts one more of `operation` by `key`. Gives after how many ms to try again, and then nothing was counted; 0: go on.
   * Never rejects, and waits for no other node longer than a Redis connection's deadline. Answers to calls with one
   * operation and key come in the order of the calls.
   */
  take(operation: string, key: string): number | Promise<number>;
}

export interface RateLimitOptions {
  readonly rates: Rates;
  /** In ms; goes by no wall clock, so that setting it opens and closes nothing. */
  readonly now?: () => number;
}
