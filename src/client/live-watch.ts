import { createBackoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { LinkState } from "./connector.ts";
import type { TypedDocumentString } from "./generated/operations.ts";
import type { Observable } from "./observable.ts";
import { OperationError } from "./operation-error.ts";
import { pause } from "./pause.ts";
import { openLink } from "./requests.ts";
import { withResolvers } from "./with-resolvers.ts";

export interface LiveWatchOptions<Data, Variables> {
  link: Observable<LinkState>;
  clock: Clock;
  backoff?: BackoffOptions | undefined;
  document: TypedDocumentString<Data, Variables>;
  variables: Variables;
  onData: (data: Data, isFirst: boolean) => void;
  /** What was told last may no longer be so; it is told anew as soon as that can be. */
  onLost?: () => void;
  onFault: (error: unknown) => void;
}

/** The same call would be refused again: there is nothing to watch for this user. */
const finalCodes = new Set(["NOT_FOUND", "FORBIDDEN", "INVALID"]);

/**
 * A subscription that has no position to resume from: it begins anew over each connection, and tells the whole state first.
 * It ends for good where the server refuses it. Gives the function that ends it.
 */
export function watchLive<Data, Variables>(options: LiveWatchOptions<Data, Variables>): () => void {
  const life = new AbortController();
  void run(options, life.signal);
  return () => life.abort(new Error("Nobody watches any longer."));
}

async function run<Data, Variables>(options: LiveWatchOptions<Data, Variables>, signal: AbortSignal) {
  const { link, clock, onLost, onFault } = options;
  const delays = createBackoff({ baseMs: 1_000, ...options.backoff });
  while (!signal.aborted) {
    // Rejects when nobody watches any longer.
    const connection = await openLink(link, signal).catch(ignore);
    if (!connection) return;
    const error = await watchOnce(options, connection, { signal, onData: () => delays.reset() });
    if (signal.aborted) return;
    callSafely(onLost);
    if (!connection.isOpen) continue;
    callSafely(onFault, error);
    if (error instanceof OperationError && finalCodes.has(error.code)) return;
    await pause(clock, delays.nextDelayMs(), signal);
  }
}

/** Gives what ended it. */
function watchOnce<Data, Variables>(
  { document, variables, onData }: LiveWatchOptions<Data, Variables>,
  connection: Connection,
  life: { signal: AbortSignal; onData: () => void },
): Promise<unknown> {
  const { promise, resolve } = withResolvers<unknown>();
  let isFirst = true;
  const stop = connection.subscribe(document, variables, {
    next(data) {
      if (life.signal.aborted) return;
      life.onData();
      onData(data, isFirst);
      isFirst = false;
    },
    error: resolve,
    complete: () => resolve(new Error("The server ended the subscription.")),
  });
  const onAbort = () => {
    stop();
    resolve(life.signal.reason);
  };
  life.signal.addEventListener("abort", onAbort);
  if (life.signal.aborted) onAbort();
  return promise.finally(() => {
    life.signal.removeEventListener("abort", onAbort);
    // GraphQL lets a stream go on after an event with errors.
    stop();
  });
}

function ignore() {}
