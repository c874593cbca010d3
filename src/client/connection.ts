import { createClient } from "graphql-ws/client";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import type { TypedDocumentString } from "./generated/operations.ts";
import { ConnectionLostError, OperationError, type ResponseError } from "./operation-error.ts";
import { createSilenceWatch } from "./silence-watch.ts";
import { withResolvers } from "./with-resolvers.ts";

/** How a socket came to its end: the close code of the WebSocket, or of this side's own decision. */
export interface Ending {
  code: number;
  reason: string;
}

/** What a subscription gives. After `error` or `complete` nothing follows. */
export interface SubscriptionSink<Data> {
  next(data: Data): void;
  /** An `OperationError`, or a `ConnectionLostError`. */
  error(error: Error): void;
  complete(): void;
}

/** One WebSocket that the server has let in, until it closes. It is never opened again: nothing is repeated behind its owner's back. */
export interface Connection {
  /** Resolves when it is gone, whoever ended it. */
  readonly ended: Promise<Ending>;
  readonly isOpen: boolean;
  /** One answer. @throws OperationError, ConnectionLostError, or what `signal` was aborted with */
  execute<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    signal?: AbortSignal,
  ): Promise<Data>;
  /** Gives the function that ends it; the sink hears nothing of that. */
  subscribe<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    sink: SubscriptionSink<Data>,
  ): () => void;
  /** Asks the other side for a sign of life at once; without one the connection ends soon. */
  check(): void;
  close(reason?: string): void;
}

export interface ConnectionOptions {
  url: string;
  connectionParams: Record<string, unknown>;
  webSocketImpl: typeof WebSocket;
  clock: Clock;
  /** The silence after which the server is asked for a sign of life. */
  pingAfterMs: number;
  /** The silence after that which ends the connection: it is half-open. */
  pongWithinMs: number;
  signal: AbortSignal;
}

/**
 * Opens a socket and resolves when the server has let the client in. @throws ConnectionLostError where it does not.
 *
 * graphql-ws keeps the protocol and nothing else: its own retry would give up on the codes 4400, 4401, 4406, 4409, 4429 and
 * 4500, and repeat each subscription with the variables that it began with.
 */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { signal } = options;
  signal.throwIfAborted();
  const life = openLife(options);
  const onAbort = () => life.end({ code: 4499, reason: "Given up" });
  signal.addEventListener("abort", onAbort);
  try {
    return await life.connected;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function openLife({ url, connectionParams, webSocketImpl, clock, pingAfterMs, pongWithinMs }: ConnectionOptions) {
  const connected = withResolvers<Connection>();
  const ended = withResolvers<Ending>();
  const watch = createSilenceWatch({ clock, pingAfterMs, pongWithinMs, onSilent: () => end(silent) });
  let ending: Ending | undefined;

  const client = createClient({
    url,
    connectionParams,
    webSocketImpl: guarded(webSocketImpl, (error) =>
      // The client is not there yet.
      queueMicrotask(() => noteEnd({ code: 1006, reason: String(error) })),
    ),
    lazy: false,
    retryAttempts: 0,
    // Told by `closed` and `error` already.
    onNonLazyError: ignore,
    on: {
      connected: (socket) => {
        watch.start(() => (socket as WebSocket).send('{"type":"ping"}'));
        connected.resolve(connection);
      },
      message: () => watch.heard(),
      closed: (event) => noteEnd(endingOf(event)),
      error: () => noteEnd({ code: 1006, reason: "The connection failed." }),
    },
  });

  function end(how: Ending) {
    noteEnd(how);
    client.terminate();
  }

  function noteEnd(how: Ending) {
    if (ending) return;
    ending = how;
    watch.stop();
    // Keeps graphql-ws from opening another socket.
    Promise.resolve(client.dispose()).catch(ignore);
    ended.resolve(how);
    connected.reject(new ConnectionLostError(`The connection ended: ${how.code} ${how.reason}`.trim()));
  }

  function subscribe<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    sink: SubscriptionSink<Data>,
  ): () => void {
    let isOver = ending !== undefined;
    const finish = (tell: () => void) => {
      if (isOver) return;
      isOver = true;
      callSafely(tell);
    };
    if (isOver) {
      queueMicrotask(() => callSafely(() => sink.error(new ConnectionLostError())));
      return ignore;
    }
    const stop = client.subscribe<Data>(
      { query: document.toString(), variables: variables as Record<string, unknown> },
      {
        next(result) {
          if (isOver) return;
          if (result.errors) finish(() => sink.error(new OperationError(result.errors!)));
          else callSafely(() => sink.next(result.data!));
        },
        error: (error) => finish(() => sink.error(Array.isArray(error) ? errorOf(error) : new ConnectionLostError())),
        // After the end graphql-ws completes what was cut off.
        complete: () => finish(() => (ending ? sink.error(new ConnectionLostError()) : sink.complete())),
      },
    );
    return () => {
      isOver = true;
      stop();
    };
  }

  const connection: Connection = {
    ended: ended.promise,
    get isOpen() {
      return ending === undefined;
    },
    subscribe,
    execute: (document, variables, signal) => executeOnce(subscribe, { document, variables, signal }),
    check: () => watch.check(),
    close: (reason = "Closed") => end({ code: 1000, reason }),
  };
  return { connected: connected.promise, end };
}

/** `WebSocket.CLOSED`. */
const closed = 3;
const silent: Ending = { code: 4499, reason: "The server fell silent." };

type Subscribe = Connection["subscribe"];
type Operation<Data, Variables> = {
  document: TypedDocumentString<Data, Variables>;
  variables: Variables;
  signal: AbortSignal | undefined;
};

function executeOnce<Data, Variables>(
  subscribe: Subscribe,
  { document, variables, signal }: Operation<Data, Variables>,
): Promise<Data> {
  const { promise, resolve, reject } = withResolvers<Data>();
  if (signal?.aborted) return Promise.reject(signal.reason);
  const stop = subscribe<Data, Variables>(document, variables, {
    next: resolve,
    error: reject,
    complete: () => reject(new ConnectionLostError("The server gave no answer.")),
  });
  const onAbort = () => {
    stop();
    reject(signal?.reason);
  };
  signal?.addEventListener("abort", onAbort);
  return promise.finally(() => signal?.removeEventListener("abort", onAbort));
}

/**
 * The same sockets, but one that cannot even be made fails as others do, instead of in a promise of graphql-ws that nobody
 * holds; and an error is always listened for: the `ws` package ends the process otherwise, and graphql-ws stops listening early.
 */
function guarded(Implementation: typeof WebSocket, onFailure: (error: unknown) => void): typeof WebSocket {
  function Guarded(url: string, protocol: string): Partial<WebSocket> {
    try {
      const socket = new Implementation(url, protocol);
      socket.addEventListener("error", ignore);
      return socket;
    } catch (error) {
      onFailure(error);
      return { readyState: closed, close: ignore, send: ignore };
    }
  }
  return Object.assign(Guarded, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: closed }) as unknown as typeof WebSocket;
}

function endingOf(event: unknown): Ending {
  const { code, reason } = event as Partial<Ending>;
  return { code: typeof code === "number" ? code : 1006, reason: typeof reason === "string" ? reason : "" };
}

function errorOf(errors: readonly unknown[]): OperationError {
  return new OperationError(errors as ResponseError[]);
}

function ignore() {}
