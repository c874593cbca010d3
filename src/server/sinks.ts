import type { GraphQLError } from "graphql";
import { payloadOf } from "../log/payload.ts";
import type { Payload, Sink } from "../log/sink.ts";

type Mask = (error: unknown) => GraphQLError;

/** A sink and the iterable that ends with it, for the library that keeps the door's protocol. */
export interface OpenSink extends Sink {
  readonly stream: AsyncGenerator<unknown, void, void>;
  /** The client wants no more, or is gone. */
  close(): void;
}

type Item = { json: string };

/**
 * An operation's responses over an event stream: waits for the response to pull. More than `maxBufferedBytes` waiting is
 * too slow, as on a socket.
 */
export function openStreamSink({ maxBufferedBytes, mask }: { maxBufferedBytes: number; mask: Mask }): OpenSink {
  let queue: Item[] = [];
  let bytes = 0;
  let pulling: (() => void) | undefined;
  let waiting: (() => void)[] = [];
  let broken: Error | undefined;
  const end = openEnd(() => {
    wakeWaiting();
    pulling?.();
  });

  function wakeWaiting(): void {
    const woken = waiting;
    waiting = [];
    for (const resolve of woken) resolve();
  }

  function next({ json }: Payload): void {
    if (end.reached) return;
    queue.push({ json });
    bytes += json.length;
    pulling?.();
  }

  async function pull(): Promise<unknown> {
    for (;;) {
      if (broken) throw broken;
      const item = queue.shift();
      if (item) {
        bytes -= item.json.length;
        if (bytes <= maxBufferedBytes / 2) wakeWaiting();
        // Yoga lets a result serialise itself: here it is serialised already.
        return { data: null, stringify: () => item.json };
      }
      if (end.reached) return undefined;
      await new Promise<void>((resolve) => (pulling = resolve));
      pulling = undefined;
    }
  }

  function close(): void {
    queue = [];
    bytes = 0;
    end.reach();
  }

  return {
    next,
    nextAll: (payloads) => payloads.forEach(next),
    get overloaded() {
      return bytes > maxBufferedBytes;
    },
    drained: () =>
      bytes <= maxBufferedBytes || end.reached ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve)),
    complete: end.reach,
    fail(fault) {
      next(payloadOf(JSON.stringify({ errors: [mask(fault).toJSON()] })));
      end.reach();
    },
    tooSlow() {
      broken = Object.assign(new Error("The reader is too slow."), { name: "AbortError" });
      close();
    },
    onClose: end.onReached,
    close,
    stream: endingIterable({ end: { ...end, reach: close }, pull }),
  };
}

type End = {
  readonly reached: boolean;
  reach: () => void;
  onReached: (listener: () => void) => void;
  readonly promise: Promise<void>;
};

function openEnd(onReached: () => void): End {
  const { promise, resolve } = Promise.withResolvers<void>();
  const listeners: (() => void)[] = [];
  let reached = false;
  return {
    promise,
    get reached() {
      return reached;
    },
    reach() {
      if (reached) return;
      reached = true;
      resolve();
      onReached();
      for (const listener of listeners) listener();
    },
    onReached(listener) {
      if (reached) listener();
      else listeners.push(listener);
    },
  };
}

/** Yields what `pull` gives until that is undefined. Returning it reaches the end. */
function endingIterable({
  end,
  pull,
}: {
  end: End;
  pull: () => Promise<unknown>;
}): AsyncGenerator<unknown, void, void> {
  const done = { done: true as const, value: undefined };
  const stream: AsyncGenerator<unknown, void, void> = {
    async next() {
      const value = await pull();
      return value === undefined ? done : { done: false, value };
    },
    async return() {
      end.reach();
      return done;
    },
    async throw(fault) {
      end.reach();
      throw fault;
    },
    [Symbol.asyncIterator]: () => stream,
    async [Symbol.asyncDispose]() {
      end.reach();
    },
  };
  return stream;
}
