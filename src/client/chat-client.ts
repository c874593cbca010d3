import type { BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import { systemClock, type Clock } from "./clock.ts";
import { observeConnection, type ConnectionState } from "./connection-state.ts";
import type { Connection } from "./connection.ts";
import { Connector } from "./connector.ts";
import { Feed } from "./feed.ts";
import type { PresenceStatus, RoomCountsFragment } from "./generated/operations.ts";
import { InboxStore, type Inbox } from "./inbox-store.ts";
import { systemLock, type Lock } from "./lock.ts";
import { createMessageQueue } from "./message-queue.ts";
import { createNodeFinder } from "./node-finder.ts";
import { whenFits, type Observable } from "./observable.ts";
import type { OfflineQueue } from "./offline-queue.ts";
import { createOwnPresence, type OwnPresence } from "./own-presence.ts";
import { PresenceStore } from "./presence-store.ts";
import { pause } from "./pause.ts";
import { createRequests, openLink, type Requests } from "./requests.ts";
import { createRoomAdmin, type RoomAdmin } from "./room-admin.ts";
import type { Message, RoomEvent } from "./room-event.ts";
import { Room } from "./room.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { createMemoryStorage, type KeyValueStorage } from "./storage.ts";
import { createSyncPosition, type SyncPosition } from "./sync-position.ts";
import { renewTokens } from "./token-renewal.ts";

/** Where to connect, as whom, and what the client may use. Times are in milliseconds. */
export interface ChatClientOptions {
  /** Of GraphQL over WebSocket, `wss://chat.example/graphql` say. */
  url: string;
  /** Asked before each connection where it is given: the address of the server's node to go to. */
  resolveUrl?: () => Promise<string>;
  /**
   * Whether the server is asked, over HTTP, for the node that the user's connection belongs to, where its nodes have addresses of
   * their own. That node is tried first, then the address above. True unless `resolveUrl` is given.
   */
  isRouted?: boolean;
  /** Where the runtime has none of its own, or it is to be another. */
  fetchImpl?: typeof fetch;
  /** Gives a token that is good for a while; asked before each connection and again before a token ends. */
  getToken: () => Promise<string>;
  /** Whose client it is: the token's `sub`. */
  userId: string;
  /** Keeps the sync state and what waits to be sent. In memory unless given: then a reload forgets both. */
  storage?: KeyValueStorage;
  device?: "WEB" | "MOBILE" | "DESKTOP";
  /**
   * What the user has chosen to be taken for, from the first moment on: OFFLINE, say, for whoever wanted that the last time. Later
   * it is `presence.set`'s. By default it is nothing chosen: ONLINE, or AWAY while idle.
   */
  status?: PresenceStatus;
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
  /** So long after the token is there (30 s at most) a try to connect has come to nothing: 10 s unless given. */
  connectTimeoutMs?: number;
  /** The silence after which the server is asked for a sign of life: 10 s unless given. */
  pingAfterMs?: number;
  /** The silence after that which ends the connection: 5 s unless given. */
  pongWithinMs?: number;
  /** Away for longer (30 s unless given), the client reads what it missed by pages. */
  pagesAfterMs?: number;
  /** Rooms with activity longest ago are not listed beyond it: 1,000 unless given. */
  maxRooms?: number;
  /** Of an open room; beyond it (10,000 unless given) live messages push the oldest ones out. */
  maxMessages?: number;
  /** Of an open room; beyond it (1,000 unless given) members are not listed until something is heard of them. */
  maxMembers?: number;
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
  /** Any query or mutation, over the client's socket. */
  readonly requests: Requests;
  readonly inbox: Observable<Inbox>;
  readonly rooms: Pick<Rooms, "get" | "hold">;
  readonly admin: RoomAdmin;
  /** The presence of others, and what others see of the user. */
  readonly presence: Pick<PresenceStore, "of"> & Pick<OwnPresence, "set" | "setIdle">;
  readonly #options: ChatClientOptions & { clock: Clock; onFault: (error: unknown) => void };
  readonly #life = new AbortController();
  readonly #position: SyncPosition;
  readonly #connector: Connector;
  readonly #feed: Feed;
  readonly #inbox: InboxStore;
  readonly #rooms: Rooms;
  readonly #ownPresence: OwnPresence;
  readonly #listeners = new Set<(events: readonly RoomEvent[]) => void>();
  readonly #disposers: (() => void)[] = [];
  #isStarted = false;

  constructor(options: ChatClientOptions) {
    const { userId, url, clock = systemClock, storage = createMemoryStorage(), lock = systemLock } = options;
    const { device = "WEB", webSocketImpl = globalThis.WebSocket, fetchImpl = globalThis.fetch, backoff } = options;
    const { isRouted = options.resolveUrl === undefined } = options;
    const { connectTimeoutMs = 10_000, pingAfterMs = 10_000, pongWithinMs = 5_000, pagesAfterMs = 30_000 } = options;
    this.userId = userId;
    const onFault = (error: unknown) => {
      if (!this.#life.signal.aborted) callSafely(options.onFault, error);
    };
    this.#options = { ...options, clock, onFault };
    const name = `${encodeURIComponent(url)}/${encodeURIComponent(userId)}`;
    this.#position = createSyncPosition({ storage, lock, key: `causerie/sync/${name}`, clock, onFault });
    this.#feed = new Feed({
      userId,
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
      findNode: isRouted ? createNodeFinder({ fetchImpl, clock }) : async () => undefined,
      getToken: options.getToken,
      userId,
      device,
      getStatus: () => this.#ownPresence.begin(),
      webSocketImpl,
      clock,
      backoff,
      connectTimeoutMs,
      pingAfterMs,
      pongWithinMs,
      onOpen: (connection, token) => this.#opened(connection, token),
      onFault,
    });
    const link = this.#connector.state;
    this.requests = createRequests({ link, clock, life: this.#life.signal });
    this.queue = createMessageQueue({ link, name, storage, lock, clock, backoff, onFault });
    const { phase } = this.#feed;
    this.#disposers.push(phase.subscribe(() => phase.get() === "live" && this.#connector.noteHealthy()));
    const observed = observeConnection(link, phase);
    this.state = observed.state;
    this.#disposers.push(observed.dispose);
    this.#inbox = this.#openInbox();
    this.#rooms = createRooms({ open: (roomId) => this.#openRoom(roomId), clock, keepMs: 30_000, maxIdle: 10 });
    this.inbox = this.#inbox.inbox;
    this.rooms = this.#rooms;
    this.admin = createRoomAdmin(this.requests, (room) => this.#inbox.put(room));
    const presence = new PresenceStore({ link, clock, backoff, onFault });
    this.#disposers.push(() => presence.dispose());
    const own = createOwnPresence({ requests: this.requests, initialStatus: options.status, onFault });
    this.#ownPresence = own;
    this.presence = { of: (id) => presence.of(id), set: own.set, setIdle: own.setIdle };
  }

  /** Connects, and stays connected until `dispose`. Messages of an earlier life that wait are sent. */
  start(): void {
    if (this.#isStarted || this.#life.signal.aborted) return;
    this.#isStarted = true;
    this.#connector.start();
    this.#listenToNetwork();
    this.queue.start().catch((error: unknown) => callSafely(this.#options.onFault, error));
    this.#loadInbox();
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
    this.#inbox.dispose();
    await this.#closeRooms();
    this.#life.abort(new Error("The client was disposed of."));
    this.#connector.stop();
    this.queue.dispose();
    for (const dispose of this.#disposers.splice(0)) dispose();
    await this.#position.dispose();
  }

  /** What was read and not told yet is told, where there is a connection. */
  async #closeRooms() {
    const link = this.#connector.state.get();
    const closing = this.#rooms.dispose();
    if (link.status !== "open") return;
    const enough = new AbortController();
    await Promise.race([closing, link.connection.ended, pause(this.#options.clock, 1_000, enough.signal)]);
    enough.abort();
  }

  #opened(connection: Connection, token: string) {
    const { getToken, clock, backoff, onFault } = this.#options;
    void renewTokens({ connection, token, getToken, clock, backoff, onFault });
    void this.#feed.follow(connection);
    void this.#ownPresence.renew(connection);
    queueMicrotask(() => this.queue.retryNow());
  }

  #deliver(events: readonly RoomEvent[]) {
    this.#inbox.take(events);
    this.#rooms.take(events);
    for (const listener of Array.from(this.#listeners)) callSafely(listener, events);
  }

  #reset() {
    this.#inbox.reset();
    this.#loadInbox();
    this.#rooms.reset();
  }

  #loadInbox() {
    // Rejects only when the inbox is reset or disposed of.
    this.#inbox.load().catch(ignore);
  }

  #openInbox(): InboxStore {
    const { clock, onFault, maxRooms = 1_000, backoff } = this.#options;
    const random = backoff?.random ?? Math.random;
    const { userId, requests } = this;
    return new InboxStore({ userId, requests, clock, random, maxRooms, anchored: this.#anchored, onFault });
  }

  #openRoom(roomId: string): Room {
    const { clock, onFault, maxMessages = 10_000, maxMembers = 1_000, backoff } = this.#options;
    const { userId, requests, queue } = this;
    const link = this.#connector.state;
    const onCounts = (counts: RoomCountsFragment) => this.#inbox.putCounts(counts);
    const limits = { maxMessages, maxMembers };
    const anchored = this.#anchored;
    return new Room({ roomId, userId, link, requests, queue, clock, backoff, ...limits, anchored, onCounts, onFault });
  }

  /** Connected, and no change after this will be missed. */
  readonly #anchored = async (signal: AbortSignal): Promise<void> => {
    await whenFits(this.#feed.isAnchored, (isAnchored) => isAnchored, signal);
    await openLink(this.#connector.state, signal);
  };

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
