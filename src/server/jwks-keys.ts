import { createRemoteJWKSet, errors } from "jose";
import type { JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";

/** No key set could be had from the issuer: a fault of ours or theirs, not of the token. */
export class KeysUnavailable extends Error {
  override readonly name = "KeysUnavailable";

  constructor(cause: unknown) {
    super("The keys at JWT_JWKS_URL could not be read", { cause });
  }
}

/** Older keys still count, but are fetched anew behind the caller's back. */
const freshMs = 600_000;
/** A key that the issuer withdrew counts no longer than this, even if nothing is heard from the issuer any more. */
const maxAgeMs = 86_400_000;
/** A token with an unknown key id costs anybody nothing, so it may not cost a fetch each time. */
const cooldownMs = 30_000;
/** Without any keys nobody gets in, so the wait is short. */
const cooldownWithoutKeysMs = 1000;
const fetchTimeoutMs = 5000;

/**
 * The keys of a JSON Web Key Set (RFC 7517) by URL. An unknown key id leads to a fetch, at most every 30 s and shared by
 * all who wait; while the issuer cannot be reached, the keys at hand go on counting.
 * jose fetches, checks and picks; when to fetch is decided here, because jose starts its cool-down only after a fetch that
 * worked, and lets aged keys fail with the fetch.
 * Throws jose's errors where the token is to blame, `KeysUnavailable` where it may not be.
 */
export function createJwksKeys(use: { url: string; now: () => Date; log: Pick<Logger, "warn"> }): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(use.url), {
    timeoutDuration: fetchTimeoutMs,
    cooldownDuration: Number.POSITIVE_INFINITY,
    cacheMaxAge: Number.POSITIVE_INFINITY,
  });
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let triedAtMs = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let pending: Promise<void> | undefined;

  async function fetchKeys(atMs: number): Promise<void> {
    triedAtMs = atMs;
    try {
      await remote.reload();
      fetchedAtMs = atMs;
      failure = undefined;
    } catch (error) {
      failure = error;
      use.log.warn({ err: error }, "the keys at JWT_JWKS_URL could not be read");
    } finally {
      pending = undefined;
    }
  }

  /** Ends when a fetch has ended, or at once during the cool-down. Never rejects: `failure` says how it went. */
  async function refresh(atMs: number): Promise<void> {
    const waitMs = Number.isFinite(fetchedAtMs) ? cooldownMs : cooldownWithoutKeysMs;
    if (pending === undefined && atMs - triedAtMs < waitMs) return;
    pending ??= fetchKeys(atMs);
    await pending;
  }

  const pick: JWTVerifyGetKey = async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      // A set with two keys that fit, or with none, is answered to the token; a key that is itself broken is not.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw new KeysUnavailable(error);
    }
  };

  return async (header, token) => {
    const atMs = use.now().getTime();
    const ageMs = atMs - fetchedAtMs;
    if (ageMs >= maxAgeMs) {
      await refresh(atMs);
      if (atMs - fetchedAtMs >= maxAgeMs) throw new KeysUnavailable(failure);
    } else if (ageMs >= freshMs) void refresh(atMs);
    try {
      return await pick(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh(atMs);
      if (failure !== undefined) throw new KeysUnavailable(failure);
      return await pick(header, token);
    }
  };
}
