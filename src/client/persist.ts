import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import { pause } from "./pause.ts";

export interface Persistence {
  clock: Clock;
  signal: AbortSignal;
  backoff?: BackoffOptions | undefined;
  /** A try that came to nothing. */
  onFault: (error: unknown) => void;
}

/** Does `work` again, with backoff, until it succeeds. @throws what `signal` was aborted with */
export async function persist<T>({ clock, signal, backoff, onFault }: Persistence, work: () => Promise<T>): Promise<T> {
  const delays = createBackoff({ baseMs: 1_000, ...backoff });
  for (;;) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      callSafely(onFault, error);
    }
    await pause(clock, delays.nextDelayMs(), signal);
  }
}
