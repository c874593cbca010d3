import { createSecretKey, hash } from "node:crypto";
import { errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import type { Logger } from "pino";
import type { AuthenticationConfig } from "../config.ts";
import { unauthenticated } from "../errors.ts";
import { isErasedId } from "../log/ids.ts";
import { createJwksKeys } from "./jwks-keys.ts";

/** Who a token speaks for, and until when. */
export interface Identity {
  readonly userId: string;
  readonly name: string | null;
  readonly avatarUrl: string | null;
  readonly expiresAt: Date;
}

export interface Authentication {
  /**
   * The identity at once for a token verified within the last minute, else as a promise.
   * A token that is wrong in any way is refused as UNAUTHENTICATED, without a reason: that is in the log at debug.
   * When the issuer's keys cannot be had, throws `KeysUnavailable`, which is a fault.
   */
  verify(token: string): Identity | Promise<Identity>;
}

/** The configuration, with the dev login's key where that is what signs. */
export type AuthenticationSettings =
  | Exclude<AuthenticationConfig, { kind: "dev" }>
  | { readonly kind: "dev"; readonly secret: Uint8Array };

/** Node itself takes no longer header. */
const maxTokenCharacters = 16_384;
const maxCachedTokens = 10_000;
/** A key that was withdrawn, or a clock that was set, shows within this time. */
const maxCachedMs = 60_000;
/** For `nbf` alone: the issuer's clock may be ahead. `exp` is exact, since it is also the instant at which a socket closes. */
const notBeforeToleranceS = 5;
/** The largest time that a `Date` holds; JSON can write a larger `exp`. */
const maxTimeMs = 8.64e15;

/**
 * Verifies JSON Web Tokens (RFC 7519). The algorithm is fixed by the kind of key, whatever a token says of itself: HS256
 * for a secret, RS256, ES256 or EdDSA for a JWKS. A token needs `exp` and `sub`.
 */
export function createAuthentication(
  settings: AuthenticationSettings,
  use: { now?: () => Date; log: Pick<Logger, "debug" | "warn"> },
): Authentication {
  const now = use.now ?? (() => new Date());
  const cache = createIdentityCache();
  const claims = settings.kind === "dev" ? { issuer: null, audience: null } : settings;
  const keyOf = keysOf(settings, { now, log: use.log });
  const algorithms = settings.kind === "jwks" ? ["RS256", "ES256", "EdDSA"] : ["HS256"];

  async function verifyAnew(token: string, at: Date): Promise<Identity> {
    if (token.length > maxTokenCharacters) throw new errors.JWTInvalid("too long");
    const { payload, protectedHeader } = await jwtVerify(token, keyOf, {
      algorithms,
      issuer: claims.issuer ?? undefined,
      audience: claims.audience ?? undefined,
      currentDate: at,
      clockTolerance: notBeforeToleranceS,
      requiredClaims: ["exp"],
    });
    if (protectedHeader.crit !== undefined) throw new errors.JOSENotSupported('"crit" is not supported');
    const identity = identityOf(payload);
    if (identity.expiresAt <= at) throw new errors.JWTExpired("expired within the clock tolerance", payload, "exp");
    return identity;
  }

  async function verifyAndKeep(token: string, key: string, at: Date): Promise<Identity> {
    try {
      const identity = await verifyAnew(token, at);
      cache.keep(key, identity, at);
      return identity;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      // Not the error itself: it holds the token's claims.
      use.log.debug({ code: error.code, reason: error.message }, "token refused");
      throw unauthenticated();
    }
  }

  return {
    verify(token) {
      const at = now();
      const key = hash("sha256", token, "base64");
      return cache.find(key, at) ?? verifyAndKeep(token, key, at);
    },
  };
}

function keysOf(
  settings: AuthenticationSettings,
  use: { now: () => Date; log: Pick<Logger, "warn"> },
): JWTVerifyGetKey {
  if (settings.kind === "jwks") return createJwksKeys({ url: settings.url, ...use });
  const key = createSecretKey(settings.secret);
  return () => key;
}

/** Throws jose's errors, like the checks before it. */
function identityOf(payload: JWTPayload): Identity {
  const { sub, exp, name, picture } = payload;
  if (typeof sub !== "string" || !isPlainText(sub, 255) || isErasedId(sub))
    throw new errors.JWTClaimValidationFailed("unusable user id", payload, "sub", "invalid");
  return Object.freeze({
    userId: sub,
    name: nameOf(name),
    avatarUrl: webAddressOf(picture),
    expiresAt: new Date(Math.min(Number(exp) * 1000, maxTimeMs)),
  });
}

function nameOf(claim: unknown): string | null {
  const name = typeof claim === "string" ? claim.trim() : "";
  return isPlainText(name, 200) ? name : null;
}

/** As WHATWG writes it, so that nothing in it can end an attribute or a line. */
function webAddressOf(claim: unknown): string | null {
  const url = typeof claim === "string" && claim.length <= 2048 ? URL.parse(claim) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return null;
  return url.href.length <= 2048 ? url.href : null;
}

/** 1 to `max` code points, none of them a control character (NUL: Postgres has no place for it) or half a pair. */
function isPlainText(text: string, max: number): boolean {
  const characters = Array.from(text).length;
  return characters >= 1 && characters <= max && text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** The identities of the tokens used last, by digest, so that no token is kept. */
function createIdentityCache() {
  const entries = new Map<string, { identity: Identity; untilMs: number }>();
  return {
    find(key: string, at: Date): Identity | undefined {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      if (entry.untilMs <= at.getTime()) return undefined;
      entries.set(key, entry);
      return entry.identity;
    },
    keep(key: string, identity: Identity, at: Date): void {
      entries.delete(key);
      entries.set(key, { identity, untilMs: Math.min(identity.expiresAt.getTime(), at.getTime() + maxCachedMs) });
      const oldest = entries.size > maxCachedTokens ? entries.keys().next().value : undefined;
      if (oldest !== undefined) entries.delete(oldest);
    },
  };
}

/** The token of `Bearer <token>` (RFC 6750), null for anything else. Over WebSocket the same text comes from outside, untyped. */
export function bearer(text: unknown): string | null {
  return typeof text === "string" ? (/^Bearer +([\w.~+/-]+=*)$/i.exec(text)?.[1] ?? null) : null;
}
