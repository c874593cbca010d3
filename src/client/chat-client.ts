import type { BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { observeConnection, type ConnectionState } from "./connection-state.ts";
import type { Connection } from "./connection.ts";
import { Connector } from "./connector.ts";
import { Feed } from "./feed.ts";
import { systemLock, type Lock } from "./lock.ts";
import { createMessageQueue } from "./message-queue.ts";
import type { Observable } from "./observable.ts";
import type { OfflineQueue } from "./offline-queue.ts";
import { createRequests, type Requests } from "./requests.ts";
import type { Message, RoomEvent } from "./room-event.ts";
import { createMemoryStorage, type KeyValueStorage } from "./storage.ts";
import { createSyncPosition, type SyncPosition } from "./sync-position.ts";
import { renewTokens } from "./token-renewal.ts";

export interface ChatClientOptions {
  /** Of GraphQL over WebSocket, `wss://chat.example/graphql` say. */
  url: string;
  /** Asked before each connection where it is given: the address of the server's node to go to. */
  resolveUrl?: () => Promise<string>;
  /** Gives a token that is good for a while; asked before each connection and again before a token ends. */
  getToken: () => Promise<string>;
  /** Whose client it is: the token's `sub`. */
  userId: string;
  /** Keeps the sync state and what waits to be sent. In memory unless given: then a reload forgets both. */
  storage?: KeyValueStorage;
  device?: "WEB" | "MOBILE" | "DESKTOP";
  /** Where the runtime has none of its own. */
  webSocketImpl?: typeof WebSocket;
  /** Tells `online` and `offline`: `window` in a browser. */
  network?: EventTarget;
  /** Among the tabs on one storage; between tabs by itself where the runtime has Web Locks. */
  lock?: Lock;
  clock?: Clock;
  backoff?: BackoffOptions;
  /** A fault that the client copes with by itself: for the app's log. */
  onFault?: (error: unknown) => void;
  connectTimeoutMs?: number;
  pingAfterMs?: number;
  pongWithinMs?: number;
  /** Away for longer, the client reads what it missed by pages. */
  pagesAfterMs?: number;
}

/**
 * A user's connection to Causerie: one socket that comes back by itself, and over it everything that changes in the user's
 * rooms, without a gap and each change once, whatever happens to the connection.
 */
export class ChatClient {
  readonly userId: string;
  readonly state: Observable<ConnectionState>;
  /** What waits to be sent, in all rooms. */
  readonly queue: OfflineQueue<Message>;
  /** Any operation, over the client's socket. */
  readonly requests: Requests;
  readonly #options: ChatClientOptions & { clock: Clock; onFault: (error: unknown) => void };
  readonly #life = new AbortController();
  readonly #position: SyncPosition;
  readonly #connector: Connector;
  readonly #feed: Feed;
  readonly #listeners = new Set<(events: readonly RoomEvent[]) => void>();
  readonly #disposers: (() => void)[] = [];

  constructor(options: ChatClientOptions) {
    const { userId, url, clock = systemClock, storage = createMemoryStorage(), lock = systemLock } = options;
    const { onFault = ignore, device = "WEB", webSocketImpl = globalThis.WebSocket, backoff } = options;
    const { connectTimeoutMs = 10_000, pingAfterMs = 10_000, pongWithinMs = 5_000, pagesAfterMs = 30_000 } = options;
    this.userId = userId;
    this.#options = { ...options, clock, onFault };
    const name = `${encodeURIComponent(url)}/${encodeURIComponent(userId)}`;
    this.#position = createSyncPosition({ storage, lock, key: `causerie/sync/${name}`, clock, onFault });
    this.#feed = new Feed({
      position: this.#position,
      clock,
      deliver: (events) => this.#deliver(events),
      onReset: () => this.#reset(),
      onFault,
      pagesAfterMs,
      pageSize: 100,
    });
    this.#connector = new Connector({
      resolveUrl: options.resolveUrl ?? (async () => url),
      getToken: options.getToken,
      userId,
      device,
      webSocketImpl,
      clock,
      backoff,
      connectTimeoutMs,
      pingAfterMs,
      pongWithinMs,
      onOpen: (connection, token) => this.#opened(connection, token),
    });
    const link = this.#connector.state;
    this.requests = createRequests({ link, clock, life: this.#life.signal });
    this.queue = createMessageQueue({ link, name, storage, lock, clock, backoff, onFault });
    const observed = observeConnection(link, this.#feed.phase);
    this.state = observed.state;
    this.#disposers.push(observed.dispose);
  }

  /** Connects, and stays connected until `dispose`. Messages of an earlier life that wait are sent. */
  start(): void {
    this.#connector.start();
    this.#listenToNetwork();
    this.queue.start().catch((error: unknown) => callSafely(this.#options.onFault, error));
  }

  /** Tries at once to connect, or sees whether the connection still lives: the app came to the front, say. */
  wake(): void {
    this.#connector.wake();
  }

  /** Every change of every room, in the room's order, once; `events` of several rooms together where they came together. */
  onEvents(listener: (events: readonly RoomEvent[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Closes the socket and leaves no timer behind; resolves when the sync state is written. The client does not start again. */
  async dispose(): Promise<void> {
    this.#life.abort(new Error("The client was disposed of."));
    this.#connector.stop();
    this.queue.dispose();
    for (const dispose of this.#disposers.splice(0)) dispose();
    await this.#position.dispose();
  }

  #opened(connection: Connection, token: string) {
    const { getToken, clock, backoff, onFault } = this.#options;
    void renewTokens({ connection, token, getToken, clock, backoff, onFault });
    void this.#feed.follow(connection);
    queueMicrotask(() => this.queue.retryNow());
  }

  #deliver(events: readonly RoomEvent[]) {
    for (const listener of Array.from(this.#listeners)) callSafely(listener, events);
  }

  #reset() {}

  #listenToNetwork() {
    const { network } = this.#options;
    if (!network) return;
    const wake = () => this.wake();
    for (const event of ["online", "offline"]) {
      network.addEventListener(event, wake);
      this.#disposers.push(() => network.removeEventListener(event, wake));
    }
  }
}

function ignore() {}
