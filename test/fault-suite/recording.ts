import { advance, newestOf, roomOf } from "./record.ts";
import type { ClientRecord, SeenEvent, SeenMessage } from "./record.ts";

/** An event as the subscription `inbox` and the pages of `sync` give it. */
export type FeedItem = {
  __typename: string;
  cursor: string;
  previousCursor?: string | null;
  cursors?: string[];
  message?: Omit<SeenMessage, "senderId"> & { sender: { id: string } };
  member?: { user: { id: string } };
  user?: { id: string };
};

type SendAnswer = {
  message: { id: string; clientMessageId: string; content: string | null; position: string } | null;
  userErrors: { code: string }[];
};

type Frame = {
  type: string;
  id?: string;
  payload?: {
    query?: string;
    variables?: { after?: string[] | null; input?: { roomId: string; clientMessageId: string } };
    data?: { inbox?: FeedItem; sync?: { events: FeedItem[] }; sendMessage?: SendAnswer } | null;
    errors?: unknown;
  };
};

/** Writes down what goes over a user's sockets, and what the user's client makes of it. */
export class Recording {
  record: ClientRecord;
  /** Of each room, of all that the app was told. */
  readonly newest = new Map<string, string>();
  /** Rooms that the user is in, as far as the app was told. */
  readonly rooms: Set<string>;
  readonly userId: string;
  /** How far each open subscription has come. */
  #places = new Map<string, Map<string, string>>();
  #sends = new Map<string, { roomId: string; clientMessageId: string }>();
  #settled = new Set<string>();

  constructor(userId: string, rooms: Iterable<string>) {
    this.userId = userId;
    this.rooms = new Set(rooms);
    this.record = this.#empty();
  }

  /** A new record, from a moment at which nothing is under way. */
  begin(): void {
    this.#settled.clear();
    this.record = this.#empty();
  }

  /** Whether the server acknowledged or refused this message since the record began. */
  isSettled(clientMessageId: string): boolean {
    return this.#settled.has(clientMessageId);
  }

  /** A frame of GraphQL over WebSocket that the client sends. Ids of operations are of one socket. */
  sent(socket: number, text: string): void {
    const { type, id, payload } = JSON.parse(text) as Frame;
    if (type !== "subscribe" || !payload?.query) return;
    const { input, after } = payload.variables ?? {};
    if (payload.query.includes("sendMessage(")) this.#sends.set(`${socket}/${id}`, input!);
    if (payload.query.includes("inbox(") || payload.query.includes("sync(")) this.#open(`${socket}/${id}`, after ?? []);
  }

  /** A frame that comes to the client, before it looks at it. */
  received(socket: number, text: string): void {
    const { type, id, payload } = JSON.parse(text) as Frame;
    if (type !== "next" || !payload?.data) return;
    const { inbox, sync, sendMessage } = payload.data;
    const stream = `${socket}/${id}`;
    for (const item of sync?.events ?? (inbox ? [inbox] : [])) this.#arrive(stream, item);
    // With errors it is none: the message may be stored, and what was to be told of it could not be read. The client asks again.
    if (sendMessage && !payload.errors) this.#answer(stream, sendMessage);
  }

  /** What the client tells its app. */
  told(item: FeedItem): void {
    this.record.told.push(seen(item));
    advance(this.newest, item.cursor);
    if (item.member?.user.id === this.userId) this.rooms.add(roomOf(item.cursor));
    if (item.user?.id === this.userId) this.rooms.delete(roomOf(item.cursor));
  }

  /** The connection's subscriptions are over. */
  closed(socket: number): void {
    for (const stream of this.#places.keys()) if (stream.startsWith(`${socket}/`)) this.#places.delete(stream);
  }

  #empty(): ClientRecord {
    const streams = new Map([...this.#places].map(([stream, place]) => [stream, [...place.values()]]));
    const lists = { arrivals: [], told: [], acknowledged: [], refused: [] };
    return { userId: this.userId, begunAtMs: Date.now(), held: [...this.newest.values()], streams, ...lists };
  }

  #open(stream: string, after: readonly string[]) {
    this.record.streams.set(stream, after);
    this.#places.set(stream, newestOf(after));
  }

  #arrive(stream: string, item: FeedItem) {
    const place = this.#places.get(stream);
    const atMs = Date.now();
    if (item.cursors) {
      this.record.arrivals.push({ atMs, stream, caughtUp: item.cursors });
      for (const cursor of item.cursors) {
        if (place) advance(place, cursor);
        // From here on the client is told everything.
        if (!this.newest.has(roomOf(cursor))) this.newest.set(roomOf(cursor), cursor);
      }
      return;
    }
    this.record.arrivals.push({ atMs, stream, event: seen(item) });
    if (place) advance(place, item.cursor);
  }

  #answer(operation: string, { message, userErrors }: SendAnswer) {
    const { roomId, clientMessageId } = this.#sends.get(operation)!;
    this.#sends.delete(operation);
    // A repeated send is answered once more.
    if (this.#settled.has(clientMessageId)) return;
    const code = userErrors[0]?.code;
    if (code === "RATE_LIMITED") return;
    this.#settled.add(clientMessageId);
    if (!message) this.record.refused.push({ roomId, clientMessageId, code: code ?? "none" });
    else {
      const { id, content, position } = message;
      this.record.acknowledged.push({ roomId, id, clientMessageId, content: content ?? "", position });
    }
  }
}

function seen({ __typename, cursor, previousCursor = null, message }: FeedItem): SeenEvent {
  if (!message) return { type: __typename, cursor, previousCursor };
  const { id, clientMessageId, content, position, version, sender } = message;
  const of = { id, clientMessageId, content, position, version, senderId: sender.id };
  return { type: __typename, cursor, previousCursor, message: of };
}
