import { randomUUID } from "node:crypto";
import { Client } from "pg";
import type { TestUser } from "./user.ts";

/** The statements' own view of the database, for what the API has no word for: the passing of time, and many messages at once. */
export interface Backstage extends AsyncDisposable {
  /** As if so much time had passed since all reading in the room. */
  elapse(roomId: string, seconds: number): Promise<void>;
  /** Sends that many messages in room order, in turn from these senders, and gives their ids. */
  fill(roomId: string, senderIds: string[], count: number): Promise<string[]>;
  rangesOf(roomId: string, readerId: string): Promise<{ from: number; through: number }[]>;
  revisionOf(roomId: string): Promise<number>;
  query(text: string, values?: unknown[]): Promise<unknown[]>;
}

export async function openBackstage({ databaseUrl }: { databaseUrl: string }): Promise<Backstage> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  const query = async <Row>(text: string, values: unknown[] = []) => (await client.query(text, values)).rows as Row[];
  return {
    query,
    async elapse(roomId, seconds) {
      await query("update read_ranges set read_at = read_at - make_interval(secs => $2) where room_id = $1", [
        roomId,
        seconds,
      ]);
    },
    async fill(roomId, senderIds, count) {
      const ids = Array.from({ length: count }, () => randomUUID());
      for (let start = 0; start < count; start += 500) {
        const part = ids.slice(start, start + 500);
        const senders = part.map((_, index) => senderIds[(start + index) % senderIds.length]);
        const all = (value: unknown) => part.map(() => value);
        await query(
          `select from send_messages('backstage', 0, $1::uuid[], $2::uuid[], $3, $4, $5::bytea[], $6, $7::uuid[])`,
          [all(roomId), part, senders, part, all(Buffer.alloc(1)), all("x"), all(null)],
        );
      }
      return ids;
    },
    rangesOf: (roomId, readerId) =>
      query(
        `select from_position::int as "from", through_position::int as through from read_ranges
        where room_id = $1 and reader_id = $2 order by from_position`,
        [roomId, readerId],
      ),
    async revisionOf(roomId) {
      const [room] = await query<{ revision: number }>("select revision::int from rooms where id = $1", [roomId]);
      return room!.revision;
    },
    [Symbol.asyncDispose]: () => client.end(),
  };
}

type List<Node> = { edges: { node: Node }[] };
const nodesOf = <Node>({ edges }: List<Node>): Node[] => edges.map(({ node }) => node);

export type ReadReceipt = { reader: { id: string }; readAt: string };
/** What the API shows of the reading in a room of at most 100 messages and members. */
export type Reading = {
  unreadCount: number;
  /** By user id: the id of the message. */
  readThrough: Map<string, string | null>;
  /** By message id, in the order of the messages. */
  readBy: Map<string, ReadReceipt[]>;
};

const READING = `query ($id: ID!) { room(id: $id) {
  unreadCount
  members(first: 100) { edges { node { user { id } readThrough { id } } } }
  messages(first: 100) { edges { node { id readBy(first: 100) { edges { node { reader { id } readAt } } } } } } } }`;

export async function readingOf(user: TestUser, roomId: string): Promise<Reading> {
  const { room } = await user.must<{
    room: {
      unreadCount: number;
      members: List<{ user: { id: string }; readThrough: { id: string } | null }>;
      messages: List<{ id: string; readBy: List<ReadReceipt> }>;
    };
  }>(READING, { id: roomId });
  return {
    unreadCount: room.unreadCount,
    readThrough: new Map(nodesOf(room.members).map((member) => [member.user.id, member.readThrough?.id ?? null])),
    readBy: new Map(nodesOf(room.messages).map((message) => [message.id, nodesOf(message.readBy)])),
  };
}

/** The ids of those who have read each message, in the order of the messages. */
export const readersOf = ({ readBy }: Reading): string[][] =>
  [...readBy.values()].map((receipts) => receipts.map(({ reader }) => reader.id));

export type What = { messageIds?: (string | undefined)[]; upToId?: string };

/** Marks, and must succeed. */
export async function mark(user: TestUser, roomId: string, what: What): Promise<void> {
  const { userErrors } = await user.mutate("markRead", { roomId, ...what });
  if (userErrors.length > 0) throw new Error(`${user.id}: ${JSON.stringify(userErrors)}`);
}
