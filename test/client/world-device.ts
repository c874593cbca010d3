import { ChatClient } from "../../src/client/chat-client.ts";
import { createFakeClock, type FakeClock } from "../support/fake-clock.ts";
import { createLocalLock } from "../../src/client/lock.ts";
import type { QueuedMessage } from "../../src/client/queued-message.ts";
import type { Message, RoomEvent } from "../../src/client/room-event.ts";
import { createMemoryStorage, type KeyValueStorage } from "../../src/client/storage.ts";
import { tokenOf } from "../support/app.ts";
import { webSocketUrl } from "./support.ts";
import { Wire } from "./wire.ts";

/** One user's device: a page that can be loaded anew, a storage that stays, a network that comes and goes. Its timers wait for `clock`. */
export class Device {
  readonly userId: string;
  readonly clock: FakeClock;
  client: ChatClient;
  /** Events that came out of order, or twice, in one life of the page. */
  readonly disorders: string[] = [];
  readonly #nodes: { url: string }[];
  readonly #medium = createMemoryStorage();
  readonly #random: () => number;
  #wire = new Wire();
  #node = 0;
  #isOnline = true;
  #isPageGone = { yes: false };

  constructor(options: { userId: string; nodes: { url: string }[]; random: () => number; skewMs: number }) {
    this.userId = options.userId;
    this.#nodes = options.nodes;
    this.#random = options.random;
    this.clock = createFakeClock(Date.now() + options.skewMs);
    this.#node = Math.floor(this.#random() * this.#nodes.length);
    this.client = this.#load();
  }

  get isOnline(): boolean {
    return this.#isOnline;
  }

  /** Half-open now and then: nothing is heard of the end. */
  goOffline(): void {
    this.#isOnline = false;
    if (this.#random() < 0.5) this.#wire.isMute = true;
    else this.#wire.cut();
  }

  goOnline(): void {
    this.#isOnline = true;
    this.#wire.isMute = false;
    if (this.#random() < 0.5) this.client.wake();
  }

  switchNode(): void {
    this.#node = (this.#node + 1) % this.#nodes.length;
    this.#wire.cut();
  }

  /** As a crash: what the page has not written yet is gone, its storage takes no more of it. */
  reload(): void {
    this.#isPageGone.yes = true;
    void this.client.dispose();
    this.client = this.#load();
  }

  pending(): readonly QueuedMessage<Message>[] {
    return this.client.queue.items.get().filter(({ status }) => status !== "sent");
  }

  #load(): ChatClient {
    const page = { yes: false };
    this.#isPageGone = page;
    this.#wire = new Wire();
    this.#wire.isMute = !this.#isOnline;
    const random = this.#random;
    const client = new ChatClient({
      url: "ws://chat.test/graphql",
      resolveUrl: async () => {
        if (!this.#isOnline) throw new Error("There is no network.");
        return webSocketUrl(this.#nodes[this.#node]!);
      },
      userId: this.userId,
      getToken: () => tokenOf(this.userId, { exp: Math.floor(Date.now() / 1000) + 60 }),
      storage: untilGone(this.#medium, page),
      lock: createLocalLock(),
      webSocketImpl: this.#wire.WebSocket,
      clock: this.clock,
      backoff: { random },
      pagesAfterMs: random() < 0.5 ? 5_000 : 60_000,
    });
    this.#watchOrder(client);
    client.start();
    return client;
  }

  #watchOrder(client: ChatClient) {
    const newest = new Map<string, string>();
    client.onEvents((events: readonly RoomEvent[]) => {
      for (const event of events) {
        const before = newest.get(event.room.id);
        if (before !== undefined && event.cursor <= before) this.disorders.push(`${event.cursor} after ${before}`);
        newest.set(event.room.id, event.cursor);
      }
    });
  }
}

const never = new Promise<never>(() => undefined);

/** The storage as one page reaches it. */
function untilGone(medium: KeyValueStorage, page: { yes: boolean }): KeyValueStorage {
  const unlessGone = <T>(work: () => Promise<T>): Promise<T> => (page.yes ? never : work());
  return {
    get: (key) => unlessGone(() => medium.get(key)),
    set: (key, value) => unlessGone(() => medium.set(key, value)),
    delete: (key) => unlessGone(() => medium.delete(key)),
    keys: (prefix) => unlessGone(() => medium.keys(prefix)),
  };
}
