/** A change of a room, as it came to a client. */
export interface SeenEvent {
  type: string;
  cursor: string;
  previousCursor: string | null;
  /** Of messages sent, edited and deleted. */
  message?: SeenMessage;
}

export interface SeenMessage {
  id: string;
  clientMessageId: string;
  senderId: string;
  content: string | null;
  position: string;
  version: string;
}

/** What came over the network, before any client looked at it. */
export type Arrival = { atMs: number; stream: string } & ({ event: SeenEvent } | { caughtUp: readonly string[] });

/** A send that the server said is done. */
export interface Acknowledged {
  roomId: string;
  id: string;
  clientMessageId: string;
  content: string;
  position: string;
}

/** A send that the server refused for good. */
export interface Refused {
  roomId: string;
  clientMessageId: string;
  code: string;
}

/** Everything that one user's client wrote down, from a moment at which nothing was under way. */
export interface ClientRecord {
  readonly userId: string;
  readonly begunAtMs: number;
  /** The newest cursor of each room that the client had been told by then. */
  readonly held: readonly string[];
  /** Subscriptions and pages, and the cursors after which each begins. */
  readonly streams: Map<string, readonly string[]>;
  readonly arrivals: Arrival[];
  /** What the client told its app: each change once. */
  readonly told: SeenEvent[];
  /** In the order of the answers. A client sends one after the other in each room. */
  readonly acknowledged: Acknowledged[];
  readonly refused: Refused[];
}

/** A row of the messages table. */
export interface StoredMessage {
  roomId: string;
  id: string;
  clientMessageId: string;
  senderId: string;
  content: string | null;
  position: string;
  version: string;
}

/** From a user's joining of a room to the leaving. */
export interface Stay {
  roomId: string;
  userId: string;
  joined: string;
  /** By the database's clock, before the commit. */
  joinedAtMs: number;
  /** Null: still there. */
  left: string | null;
}

/** What the database says at the end. */
export interface StoredFacts {
  /** In the order of their rooms and positions. */
  messages: readonly StoredMessage[];
  stays: readonly Stay[];
}

const revisionDigits = 16;

export const cursorOf = (roomId: string, revision: number | string) =>
  `${roomId}.${String(revision).padStart(revisionDigits, "0")}`;

/** The part of a cursor that names the room. */
export const roomOf = (cursor: string) => cursor.slice(0, -revisionDigits - 1);

/** The newest of each room. */
export function newestOf(cursors: Iterable<string>): Map<string, string> {
  const newest = new Map<string, string>();
  for (const cursor of cursors) advance(newest, cursor);
  return newest;
}

/** Moves a room's cursor forward, never back. */
export function advance(newest: Map<string, string>, cursor: string): void {
  const held = newest.get(roomOf(cursor));
  if (held === undefined || cursor > held) newest.set(roomOf(cursor), cursor);
}
