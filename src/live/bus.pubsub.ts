import type { Logger } from "pino";
import type { Bus, BusSubscription } from "./bus.ts";

/** What both buses use of the engines of graphql-subscriptions: `subscribe` gives the number that `unsubscribe` takes. */
export interface PubSubEngine {
  publish(channel: string, text: string): Promise<void>;
  subscribe(channel: string, listener: (text: string) => void): Promise<number>;
  unsubscribe(subscription: number): void;
}

/** What is beneath the engine. */
export interface BusLink {
  /** Whether publications can be handed over. */
  isReady(): boolean;
  /** Whether they also arrive, as far as known. */
  isUp(): boolean;
  /** As `BusSubscription.acknowledged`, once the engine has subscribed. */
  acknowledged(channel: string): Promise<boolean>;
  close(): void;
}

/** A channel's name is made of ids; what is not well-formed text would come back as another name. */
const channelForm = /^[^\p{Cc}\p{Cs}]{1,300}$/u;

/** A bus out of an engine and its link. `changed` is to be called after each change of `link.isUp()`. */
export function createBus(options: { engine: PubSubEngine; link: BusLink; log: Logger }): {
  bus: Bus;
  changed: () => void;
} {
  const { engine, link, log } = options;
  const recovered = new Set<() => void>();
  const stateChanged = new Set<(up: boolean) => void>();
  let up = link.isUp();
  let closed = false;

  /** One listener's failure is its own: it must reach neither the others nor the connection. */
  function call<T>(listener: (value: T) => void, value: T): void {
    try {
      listener(value);
    } catch (err) {
      log.error({ err }, "A listener of the bus failed");
    }
  }

  function changed(): void {
    const now = link.isUp() && !closed;
    if (now === up) return;
    up = now;
    for (const listener of stateChanged) call(listener, up);
    if (up) for (const listener of recovered) call(listener, undefined);
  }

  async function publish(channel: string, text: string): Promise<boolean> {
    if (closed || !link.isReady()) return false;
    try {
      await engine.publish(channel, text);
      return true;
    } catch (err) {
      log.debug({ err, channel }, "A publication could not be handed over");
      return false;
    }
  }

  function subscribe(channel: string, listener: (text: string) => void): BusSubscription {
    let open = !closed;
    if (!open) return { acknowledged: Promise.resolve(false), close: async () => undefined };
    const subscription = engine.subscribe(channel, (text) => open && call(listener, text));
    return {
      acknowledged: subscription.then(() => link.acknowledged(channel)).then((heard) => heard && open),
      async close() {
        if (!open) return;
        open = false;
        // Only now is it certain that the engine has subscribed: unsubscribing earlier would leave the subscription behind.
        engine.unsubscribe(await subscription);
      },
    };
  }

  async function close(): Promise<void> {
    closed = true;
    link.close();
    changed();
  }

  const bus: Bus = {
    publish: (channel, text) => publish(checked(channel), text),
    subscribe: (channel, listener) => subscribe(checked(channel), listener),
    get up() {
      return up;
    },
    onRecovered: (listener) => added(recovered, listener),
    onStateChange: (listener) => added(stateChanged, listener),
    close,
    [Symbol.asyncDispose]: close,
  };
  return { bus, changed };
}

function checked(channel: string): string {
  if (channelForm.test(channel)) return channel;
  throw new TypeError(`Not the name of a channel: ${JSON.stringify(channel.slice(0, 300))}`);
}

function added<T>(set: Set<T>, item: T): () => void {
  set.add(item);
  return () => void set.delete(item);
}
