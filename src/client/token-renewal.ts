import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import { RefreshTokenDocument } from "./generated/operations.ts";
import { pause } from "./pause.ts";
import { readToken, renewalDelayMs } from "./token.ts";

export interface TokenRenewalOptions {
  connection: Connection;
  /** The one that opened the connection. */
  token: string;
  getToken: () => Promise<string>;
  clock: Clock;
  backoff: BackoffOptions | undefined;
  /** A try that came to nothing; there are more until the server closes the connection, whose successor asks for a token anew. */
  onFault: (error: unknown) => void;
}

const tryWithinMs = 30_000;
/** The provider may give the old token again: then it is asked anew, but not in a whirl. */
const minDelayMs = 1_000;

/** Gives the server a new token before the old one ends, for as long as the connection is open. */
export async function renewTokens(options: TokenRenewalOptions): Promise<void> {
  const { connection, clock, onFault } = options;
  const backoff = createBackoff({ baseMs: 1_000, ...options.backoff });
  const life = new AbortController();
  void connection.ended.then(() => life.abort());
  let delayMs = delayOf(options.token, clock);
  while (delayMs !== undefined && connection.isOpen) {
    await pause(clock, delayMs, life.signal);
    if (!connection.isOpen) return;
    try {
      const token = await withDeadline({ clock, timeoutMs: tryWithinMs, signal: life.signal }, (signal) =>
        renew(options, signal),
      );
      delayMs = delayOf(token, clock);
      backoff.reset();
    } catch (error) {
      if (!connection.isOpen) return;
      callSafely(onFault, error);
      delayMs = backoff.nextDelayMs();
    }
  }
}

function delayOf(token: string, clock: Clock): number | undefined {
  const delayMs = renewalDelayMs(readToken(token), clock.now());
  return delayMs === undefined ? undefined : Math.max(minDelayMs, delayMs);
}

async function renew({ connection, getToken }: TokenRenewalOptions, signal: AbortSignal): Promise<string> {
  const token = await getToken();
  const { refreshToken } = await connection.execute(RefreshTokenDocument, { input: { token } }, signal);
  const [refusal] = refreshToken.userErrors;
  if (refusal) throw new Error(`The server refused the new token: ${refusal.message}`);
  return token;
}
