import { randomOf } from "../support/app.ts";
import { advance, cursorOf, newestOf, roomOf } from "./record.ts";
import type { ClientRecord, SeenEvent, Stay, StoredMessage } from "./record.ts";

/** A change of a room as it happened, and whom it is about. */
type Happened = SeenEvent & { userId: string };

/** What clients write down, and the database says, where nothing goes wrong. */
export interface CleanRecords {
  records: ClientRecord[];
  messages: StoredMessage[];
  stays: Stay[];
}

const rooms = ["red", "blue"];
const users = ["ann", "ben", "cy", "dot"];
/** A member of all rooms, always: somebody's records show everything. */
const owner = "ann";

/** Rooms with comers and goers who write, lose their connections and resume, at random. */
export function cleanRecords(seed: number, steps = 120): CleanRecords {
  const random = randomOf(seed);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)]!;
  const world = new World();
  for (const roomId of rooms) for (const userId of users) world.join(roomId, userId);
  world.begin();
  for (let step = 0; step < steps; step += 1) {
    const [roomId, userId] = [pick(rooms), pick(users)];
    const draw = random();
    if (draw < 0.6) world.send(roomId, userId);
    else if (draw < 0.72) world.disconnect(userId);
    else if (draw < 0.86) world.connect(userId);
    else if (userId === owner) world.send(roomId, userId);
    else if (world.isMember(roomId, userId)) world.leave(roomId, userId);
    else world.join(roomId, userId);
  }
  for (const userId of users) world.connect(userId);
  return world;
}

class World implements CleanRecords {
  readonly messages: StoredMessage[] = [];
  readonly stays: Stay[] = [];
  readonly #log = new Map<string, Happened[]>(rooms.map((roomId) => [roomId, []]));
  #clients = new Map<string, CleanClient>();
  #nowMs = 1_000;

  get records(): ClientRecord[] {
    return [...this.#clients.values()].map(({ record }) => record);
  }

  begin(): void {
    const held = rooms.map((roomId) => cursorOf(roomId, this.#log.get(roomId)!.length));
    this.#nowMs += 1;
    this.#clients = new Map(users.map((userId) => [userId, new CleanClient(userId, held, this.#nowMs)]));
  }

  isMember(roomId: string, userId: string): boolean {
    return this.#stayOf(roomId, userId)?.left === null;
  }

  join(roomId: string, userId: string): void {
    const joined = this.#happen(roomId, { type: "MemberJoined", userId }, () =>
      this.stays.push({ roomId, userId, joined: this.#next(roomId), joinedAtMs: this.#nowMs, left: null }),
    );
    this.#clients.get(userId)?.comeIn(joined, this.#nowMs);
  }

  leave(roomId: string, userId: string): void {
    const left = this.#happen(roomId, { type: "MemberLeft", userId });
    this.#stayOf(roomId, userId)!.left = left.cursor;
  }

  send(roomId: string, userId: string): void {
    const client = this.#clients.get(userId)!;
    const clientMessageId = `${userId} ${this.#nowMs}`;
    if (!client.isConnected) return;
    if (!this.isMember(roomId, userId)) {
      client.record.refused.push({ roomId, clientMessageId, code: "NOT_FOUND" });
      return;
    }
    const position = this.#next(roomId);
    const content = `by ${clientMessageId}`;
    const message = { id: position, clientMessageId, senderId: userId, content, position, version: position };
    this.messages.push({ roomId, ...message });
    this.#happen(roomId, { type: "MessageSent", userId, message });
    client.record.acknowledged.push({ roomId, id: position, clientMessageId, content, position });
  }

  disconnect(userId: string): void {
    this.#clients.get(userId)!.isConnected = false;
  }

  /** What was missed comes at once, memberships in their latest state. */
  connect(userId: string): void {
    const client = this.#clients.get(userId)!;
    if (client.isConnected) return;
    client.resume();
    this.#nowMs += 1;
    for (const [roomId, log] of this.#log) {
      const stay = this.#stayOf(roomId, userId)!;
      const after =
        client.holds.get(roomId) ?? (stay.left === null ? cursorOf(roomId, revisionOf(stay.joined) - 1) : null);
      if (after === null) continue;
      const missed = log.filter(({ cursor }) => cursor > after && (stay.left === null || cursor <= stay.left));
      const isLatest = (event: Happened) =>
        event.message !== undefined ||
        !missed.some((later) => !later.message && later.userId === event.userId && later.cursor > event.cursor);
      client.take(missed.filter(isLatest), this.#nowMs);
    }
  }

  #stayOf(roomId: string, userId: string): Stay | undefined {
    return this.stays.findLast((stay) => stay.roomId === roomId && stay.userId === userId);
  }

  #next(roomId: string): string {
    return cursorOf(roomId, this.#log.get(roomId)!.length + 1);
  }

  #happen(roomId: string, what: Omit<Happened, "cursor" | "previousCursor">, before: () => void = () => {}): Happened {
    const log = this.#log.get(roomId)!;
    this.#nowMs += 1;
    before();
    const event = { ...what, cursor: this.#next(roomId), previousCursor: log.at(-1)?.cursor ?? null };
    log.push(event);
    // One who comes in is told by a read of its own; one who leaves is told for the last time.
    for (const [userId, client] of this.#clients)
      if (client.isConnected && client.holds.has(roomId) && this.isMember(roomId, userId))
        client.take([event], this.#nowMs);
    return event;
  }
}

const revisionOf = (cursor: string) => Number(cursor.slice(roomOf(cursor).length + 1));

class CleanClient {
  readonly record: ClientRecord;
  /** The newest cursors, without those of rooms that were left. */
  readonly holds: Map<string, string>;
  isConnected = true;

  constructor(userId: string, held: readonly string[], begunAtMs: number) {
    this.holds = newestOf(held);
    const streams = new Map([["1", held]]);
    this.record = { userId, begunAtMs, held, streams, arrivals: [], told: [], acknowledged: [], refused: [] };
  }

  resume(): void {
    this.isConnected = true;
    const { streams } = this.record;
    streams.set(String(streams.size + 1), [...this.holds.values()]);
  }

  comeIn(joined: Happened, atMs: number): void {
    if (this.isConnected && !this.holds.has(roomOf(joined.cursor)))
      this.take([{ ...joined, previousCursor: null }], atMs);
  }

  take(events: readonly Happened[], atMs: number): void {
    const { streams, arrivals, told, userId } = this.record;
    for (const { userId: about, ...event } of events) {
      const before = this.holds.get(roomOf(event.cursor));
      const previousCursor = event.previousCursor === null ? null : (before ?? null);
      const seen = { ...event, previousCursor };
      arrivals.push({ atMs, stream: String(streams.size), event: seen });
      told.push(seen);
      advance(this.holds, event.cursor);
      if (event.type === "MemberLeft" && about === userId) this.holds.delete(roomOf(event.cursor));
    }
  }
}
