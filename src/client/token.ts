/** What the kit reads of a token: nothing of it is checked here. */
export interface TokenClaims {
  userId: string | undefined;
  /** Milliseconds since 1970. */
  expiresAtMs: number | undefined;
  issuedAtMs: number | undefined;
}

/** The claims of a JWT; none of a token of another kind. */
export function readToken(token: string): TokenClaims {
  const { sub, exp, iat } = payloadOf(token);
  return {
    userId: typeof sub === "string" ? sub : undefined,
    expiresAtMs: toMs(exp),
    issuedAtMs: toMs(iat),
  };
}

/** Renewed when this part of its life is over: time enough for some tries. */
const usedPart = 0.8;

/** Taken for the life of a token that says only when it ends, and by this machine's clock has ended. */
const unknownLifeMs = 60_000;

/** How long to wait before a token is renewed; undefined where it does not say when it ends. */
export function renewalDelayMs({ expiresAtMs, issuedAtMs }: TokenClaims, nowMs: number): number | undefined {
  if (expiresAtMs === undefined) return undefined;
  const leftMs = expiresAtMs - nowMs;
  const lifeMs = issuedAtMs === undefined ? undefined : expiresAtMs - issuedAtMs;
  // Where this machine's clock is ahead the token seems to be over; its life is as long as it says all the same.
  const usableMs = leftMs > 0 ? Math.min(leftMs, lifeMs ?? leftMs) : (lifeMs ?? unknownLifeMs);
  return Math.max(0, usableMs * usedPart);
}

function payloadOf(token: string): { sub?: unknown; exp?: unknown; iat?: unknown } {
  const [, payload, signature] = token.split(".");
  if (payload === undefined || signature === undefined) return {};
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof claims === "object" && claims !== null ? claims : {};
  } catch {
    // No JWT: the server knows what it is.
    return {};
  }
}

function toMs(seconds: unknown): number | undefined {
  return typeof seconds === "number" ? seconds * 1_000 : undefined;
}
