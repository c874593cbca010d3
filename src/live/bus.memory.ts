import { EventEmitter } from "node:events";
import { PubSub } from "graphql-subscriptions";
import type { Logger } from "pino";
import { createBus } from "./bus.pubsub.ts";
import type { Bus } from "./bus.ts";

/** Some names mean more to an EventEmitter (`error`), none that begins so. */
const eventOf = (channel: string) => `bus ${channel}`;

/** The bus of a server that is alone: within this process, always up. Listeners are called after `publish` has returned. */
export function openMemoryBus({ log }: { log: Logger }): Bus {
  const eventEmitter = new EventEmitter();
  const engine = new PubSub<Record<string, string>>({ eventEmitter });
  // Any number of listeners may share a channel.
  eventEmitter.setMaxListeners(0);
  const { bus } = createBus({
    log,
    engine: {
      async publish(channel, text) {
        // As with a network between: no listener runs in the middle of what the publisher is doing.
        await Promise.resolve();
        await engine.publish(eventOf(channel), text);
      },
      subscribe: (channel, listener) => engine.subscribe(eventOf(channel), listener),
      unsubscribe: (subscription) => engine.unsubscribe(subscription),
    },
    link: {
      isReady: () => true,
      isUp: () => true,
      acknowledged: () => Promise.resolve(true),
      close: () => eventEmitter.removeAllListeners(),
    },
  });
  return bus;
}
