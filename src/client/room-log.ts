import type { Clock } from "./clock.ts";
import { RoomMembersDocument } from "./generated/operations.ts";
import { createComputed, createVariable, type Observable } from "./observable.ts";
import { OrderedMessageBuffer } from "./ordered-message-buffer.ts";
import { persist } from "./persist.ts";
import type { QueuedMessage } from "./queued-message.ts";
import type { Requests } from "./requests.ts";
import { messageOf, presenceAfter, type Message, type RoomEvent } from "./room-event.ts";
import { RoomHistory, type HistoryPage } from "./room-history.ts";
import { RoomMembers } from "./room-members.ts";
import { RoomReceipts } from "./room-receipts.ts";

/** `left`: the user is no longer a member; what was loaded stays. `missing`: there is no such room for this user. */
export type RoomStatus = "loading" | "ready" | "left" | "missing";

/** A message that waits to be sent, or failed: it has a `status` and no position yet. */
export type PendingMessage = QueuedMessage<Message> & { position?: undefined };

export interface RoomLogOptions {
  roomId: string;
  userId: string;
  requests: Requests;
  clock: Clock;
  /** Live messages beyond it push the oldest ones out; as many again can be paged back to. */
  maxMessages: number;
  maxMembers: number;
  /** Resolves as soon as no change after it will be missed. */
  anchored: (signal: AbortSignal) => Promise<void>;
  onFault: (error: unknown) => void;
}

/** What one room holds: messages, members and receipts, from pages that are loaded and events that come, in any order. */
export class RoomLog {
  readonly status: Observable<RoomStatus>;
  readonly buffer: OrderedMessageBuffer<Message, PendingMessage>;
  readonly hasOlder: Observable<boolean>;
  readonly members = new RoomMembers();
  readonly receipts: RoomReceipts;
  readonly #options: RoomLogOptions;
  readonly #status = createVariable<RoomStatus>("loading");
  readonly #hasOlder = createComputed(() => this.#status.get() === "ready" && this.#mayLoadOlder());
  #history: RoomHistory;
  #life = new AbortController();
  #loadingOlder: Promise<void> | undefined;
  /** The user came into the room since the newest page was asked for. */
  #hasJoined = false;
  /** Changes that came while a page is on its way: the page may have been read before them. */
  #changedMeanwhile: Message[] | undefined;

  constructor(options: RoomLogOptions) {
    const { userId, clock, maxMessages } = options;
    this.#options = options;
    this.buffer = new OrderedMessageBuffer({ isOwn: ({ sender }) => sender.id === userId, clock, maxMessages });
    this.receipts = new RoomReceipts(userId);
    this.#history = new RoomHistory(options);
    this.status = this.#status;
    this.hasOlder = this.#hasOlder;
    this.buffer.messages.subscribe(() => this.#hasOlder.changed());
    this.#status.subscribe(() => this.#hasOlder.changed());
  }

  /** Loads the newest page and the members, again and again until that succeeds. */
  load(): void {
    const { signal } = this.#life;
    const { clock, onFault } = this.#options;
    for (const work of [() => this.#loadNewest(signal), () => this.#loadMembers(signal)]) {
      // Rejects only when this life of the log is over, and then nobody waits for it.
      persist({ clock, signal, onFault }, work).catch(ignore);
    }
  }

  /** Events of this room. */
  take(events: readonly RoomEvent[]): void {
    const buffered = events.map((event) => ({ ...event, message: messageOf(event) }));
    const messages = buffered.flatMap(({ message }) => message ?? []);
    this.buffer.take(buffered);
    this.#quote(messages);
    this.#changedMeanwhile?.push(...messages);
    for (const event of events) {
      this.members.take(event);
      if ("ranges" in event) this.receipts.take(event.ranges);
      this.#takePresence(event);
    }
    const status = this.#status.get();
    if (events.some(isForgotten) && (status === "ready" || status === "loading")) this.reset();
  }

  /** A message as a mutation left it. */
  put(message: Message): void {
    this.buffer.put(message);
    this.#quote([message]);
  }

  /** Loads the page before the oldest message; resolves when it is there, or there is none. @throws what the request threw */
  loadOlder(): Promise<void> {
    if (this.#loadingOlder) return this.#loadingOlder;
    const loading = this.#loadOlder(this.#life.signal).finally(() => {
      // What was begun since a reset is not its own.
      if (this.#loadingOlder !== loading) return;
      this.#loadingOlder = undefined;
      this.#changedMeanwhile = undefined;
    });
    this.#loadingOlder = loading;
    return loading;
  }

  /** Forgets all that came from the server, and loads anew. */
  reset(): void {
    this.#life.abort(new Error("The room is loaded anew."));
    this.#life = new AbortController();
    this.#loadingOlder = undefined;
    this.#history = new RoomHistory(this.#options);
    this.buffer.clear();
    this.members.clear();
    this.receipts.clear();
    this.#status.set("loading");
    this.load();
  }

  dispose(): void {
    this.#life.abort(new Error("The room was closed."));
    this.buffer.dispose();
  }

  #takePresence(event: RoomEvent) {
    const where = presenceAfter(event, this.#options.userId);
    if (where !== undefined) this.#hasJoined = where === "in";
    if (where === "out") this.#status.set("left");
    // What happened while the user was not a member comes by no event.
    const isBack = where === "in" && (this.#status.get() === "left" || this.#status.get() === "missing");
    if (isBack) this.reset();
  }

  async #loadNewest(signal: AbortSignal): Promise<void> {
    await this.#options.anchored(signal);
    this.#hasJoined = false;
    const changed: Message[] = (this.#changedMeanwhile = []);
    const page = await this.#history.newest(signal);
    signal.throwIfAborted();
    this.#changedMeanwhile = undefined;
    // It was read before that.
    if (!page && this.#hasJoined) return this.#loadNewest(signal);
    if (!page) return this.#status.set(this.#status.get() === "left" ? "left" : "missing");
    const through = page.membership?.readThrough?.position;
    if (through !== undefined) this.receipts.readThrough(through);
    this.#putPage(page, page.cursor);
    this.#quote(changed);
    if (this.#status.get() === "loading") this.#status.set("ready");
  }

  async #loadOlder(signal: AbortSignal) {
    const oldest = this.buffer.messages.get()[0]?.position;
    if (!this.hasOlder.get() || oldest === undefined) return;
    const changed: Message[] = (this.#changedMeanwhile = []);
    const page = await this.#history.before(oldest, signal);
    signal.throwIfAborted();
    this.#changedMeanwhile = undefined;
    // Live messages pushed out the one that the page joins.
    if (!page || this.buffer.messages.get()[0]?.position !== oldest) return;
    this.#putPage(page);
    for (const message of changed) this.buffer.put(message);
    this.#quote(changed);
  }

  /** A reply shows what it replies to as that is now. */
  #quote(messages: readonly Message[]) {
    const changed = messages.filter(({ editedAt, deletedAt }) => editedAt !== null || deletedAt !== null);
    if (changed.length === 0) return;
    const byId = new Map(changed.map((message) => [message.id, message]));
    this.buffer.update((message) => {
      const original = message.replyTo && byId.get(message.replyTo.id);
      if (!original) return message;
      const { id, content, deletedAt, sender } = original;
      return { ...message, replyTo: { id, content, deletedAt, sender } };
    });
  }

  #putPage(page: HistoryPage, cursor?: string) {
    const messages = page.messages.edges.map(({ node }) => node);
    this.receipts.takePage(messages, page.membership?.user);
    this.buffer.addPage({ messages, reachesStart: !page.messages.pageInfo.hasPreviousPage, cursor });
    this.#hasOlder.changed();
  }

  async #loadMembers(signal: AbortSignal) {
    const { anchored, requests, roomId, maxMembers } = this.#options;
    await anchored(signal);
    let loaded = 0;
    for (let after: string | null | undefined = null; after !== undefined && loaded < maxMembers;) {
      const variables: { id: string; first: number; after: string | null } = { id: roomId, first: 100, after };
      const { room } = await requests.ask(RoomMembersDocument, variables, { signal });
      const members = room?.members.edges.map(({ node }) => node) ?? [];
      this.members.put(members);
      loaded += members.length;
      after = room?.members.pageInfo.hasNextPage ? room.members.pageInfo.endCursor : undefined;
    }
  }

  #mayLoadOlder() {
    return !this.buffer.reachesStart && this.buffer.messages.get().length < 2 * this.#options.maxMessages;
  }
}

/** Somebody was erased while this client was away, of whom it may hold more than it can tell: their id is no longer told. */
function isForgotten(event: RoomEvent): boolean {
  return event.__typename === "MemberLeft" && event.user.id.startsWith("erased:");
}

function ignore() {}
