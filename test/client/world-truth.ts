import { Client } from "pg";

/** What the database says of everything that clients show. Cursors are as the API writes them. */
export interface Truth {
  rooms: Map<string, TrueRoom>;
  /** Each row of messages, also of rooms that nobody shows. */
  messages: TrueMessage[];
}

export interface TrueRoom {
  id: string;
  /** How many are unread for each member. */
  unread: Map<string, number>;
  members: string[];
  messages: TrueMessage[];
}

export interface TrueMessage {
  roomId: string;
  id: string;
  clientMessageId: string;
  senderId: string;
  position: string;
  version: string;
  content: string | null;
  readers: string[];
}

const cursor = (column: string) => `m.room_id || '.' || lpad(m.${column}::text, 16, '0')`;

const MESSAGES = `
select m.room_id as "roomId", m.id, m.client_message_id as "clientMessageId", m.sender_id as "senderId",
  ${cursor("position")} as position, ${cursor("revision")} as version, m.content,
  array(select distinct r.reader_id from read_ranges r
    where r.room_id = m.room_id and m.position between r.from_position and r.through_position and r.reader_id <> m.sender_id
    order by 1) as readers
from messages m order by m.room_id, m.position`;

const MEMBERS = `
select m.room_id as "roomId", m.user_id as "userId", (
  select count(*)::int from messages x
  where x.room_id = m.room_id and x.position > m.joined_revision and x.sender_id <> m.user_id and x.deleted_at is null
    and not exists (select from read_ranges r where r.room_id = x.room_id and r.reader_id = m.user_id
      and x.position between r.from_position and r.through_position)) as unread
from members m where m.left_revision is null order by 1, 2`;

type MemberRow = { roomId: string; userId: string; unread: number };

export async function readTruth(databaseUrl: string): Promise<Truth> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("begin isolation level repeatable read");
    const { rows: messages } = await client.query<TrueMessage>(MESSAGES);
    const { rows: members } = await client.query<MemberRow>(MEMBERS);
    const rooms = new Map<string, TrueRoom>();
    for (const { roomId, userId, unread } of members) {
      const room: TrueRoom = rooms.get(roomId) ?? { id: roomId, unread: new Map(), members: [], messages: [] };
      rooms.set(roomId, room);
      room.members.push(userId);
      room.unread.set(userId, unread);
    }
    for (const message of messages) rooms.get(message.roomId)?.messages.push(message);
    return { rooms, messages };
  } finally {
    await client.end();
  }
}
