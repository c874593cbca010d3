import type { Clock } from "./clock.ts";
import { withResolvers } from "./with-resolvers.ts";

/**
 * What `work` gives, or a rejection once `timeoutMs` have passed or one of the signals aborts; `work` is told by its own signal and
 * its late result is passed over.
 */
export async function withDeadline<T>(
  options: { clock: Clock; timeoutMs: number; signal?: AbortSignal | undefined; life?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  const { clock, timeoutMs } = options;
  const signals = [options.signal, options.life].filter((signal) => signal !== undefined);
  for (const signal of signals) signal.throwIfAborted();
  const controller = new AbortController();
  const { promise: cut, reject } = withResolvers<never>();
  const end = (reason: unknown) => {
    controller.abort(reason);
    reject(reason);
  };
  const onAbort = (event: Event) => end((event.target as AbortSignal).reason);
  const timer = clock.setTimeout(() => end(new Error(`There was no answer within ${timeoutMs} ms.`)), timeoutMs);
  for (const signal of signals) signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(controller.signal), cut]);
  } finally {
    clock.clearTimeout(timer);
    for (const signal of signals) signal.removeEventListener("abort", onAbort);
  }
}
