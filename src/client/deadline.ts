import type { Clock } from "./clock.ts";

/**
 * What `work` gives, or a rejection once `timeoutMs` have passed or `signal` aborts; `work` is told by its own signal and
 * its late result is passed over.
 */
export async function withDeadline<T>(
  options: { clock: Clock; timeoutMs: number; signal?: AbortSignal },
  work: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  const { clock, timeoutMs, signal } = options;
  signal?.throwIfAborted();
  const controller = new AbortController();
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    controller.abort(reason);
    reject(reason);
  };
  const onAbort = () => end(signal?.reason);
  const timer = clock.setTimeout(() => end(new Error(`There was no answer within ${timeoutMs} ms.`)), timeoutMs);
  signal?.addEventListener("abort", onAbort);
  try {
    return await Promise.race([work(controller.signal), cut]);
  } finally {
    clock.clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
