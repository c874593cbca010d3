import type { Database } from "../database/pool.ts";
import type { MessageRow } from "../log/changes.ts";
import { messageAsOf } from "../log/changes.ts";
import type { MessageJson } from "../log/rows.ts";
import { messageRow } from "../log/rows.ts";

const SEND = `select * from send_messages($1, $2, $3::uuid[], $4::uuid[], $5, $6, $7::bytea[], $8, $9::uuid[])`;
const CHANGE = `select * from change_messages($1::uuid[], $2::uuid[], $3, $4)`;

// A viewer sees messages of rooms that they are or were in; without a viewer it is for all members of the room at once.
const READ_MESSAGES = `
select message_json(m) as row, asked.ord, viewer.left_revision, r.member_revision
from unnest($1::uuid[], $2::uuid[], $3::text[]) with ordinality as asked (room_id, id, viewer_id, ord)
join messages m on m.room_id = asked.room_id and m.id = asked.id
join rooms r on r.id = m.room_id
left join members viewer on viewer.room_id = m.room_id and viewer.user_id = asked.viewer_id
where asked.viewer_id is null or viewer.user_id is not null`;

const readPages = (order: "asc" | "desc") => `
select p.row, asked.ord
from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, viewer_id, ord)
join members viewer on viewer.room_id = asked.room_id and viewer.user_id = asked.viewer_id and viewer.left_revision is null
cross join lateral (
  select message_json(m) as row, m.position from messages m
  where m.room_id = asked.room_id and m.position > $3 and m.position < $4
  order by m.position ${order} limit $5
) p
order by asked.ord, p.position`;

const READ_FIRST = readPages("asc");
const READ_LAST = readPages("desc");

export type NewMessage = {
  roomId: string;
  id: string;
  senderId: string;
  clientMessageId: string;
  digest: Buffer;
  content: string;
  replyToId: string | null;
};

export type SendOutcome = "SENT" | "REPEATED" | "CONFLICT" | "NO_ROOM" | "NO_REPLY";
export type Sent = {
  outcome: SendOutcome;
  /** As it is now; null where nothing was sent. */
  message: MessageRow | null;
  /** The message that it answers. */
  reply: MessageRow | null;
};

export type MessageEdit = { roomId: string; id: string; actorId: string; /** Null deletes. */ content: string | null };
export type ChangeOutcome = "CHANGED" | "SAME" | "NO_ROOM" | "NO_MESSAGE" | "FORBIDDEN" | "DELETED";
export type Changed = { outcome: ChangeOutcome; message: MessageRow | null };

export type MessageKey = { roomId: string; id: string; viewerId: string | null };
export const messageKey = ({ roomId, id, viewerId }: MessageKey) => `${roomId} ${id} ${viewerId ?? ""}`;
/** `memberRevision`: the last change of the room's memberships when it was read. */
export type LoadedMessage = { message: MessageRow; memberRevision: number };

/** Positions between which to look, both left out; `limit` from the beginning or from the end. */
export type Stretch = { after: number; before: number; from: "first" | "last"; limit: number };
export type PageKey = { roomId: string; viewerId: string };
export const pageKey = ({ roomId, viewerId }: PageKey) => `${roomId} ${viewerId}`;

export type ReadPages = (keys: readonly PageKey[], stretch: Stretch) => Promise<Map<string, MessageRow[]>>;
export type MessagesStore = ReturnType<typeof createMessagesStore>;

/** `readHistory` reads pages that end before a place; left out, it is done as for any page. */
export function createMessagesStore(
  database: Database,
  historyOf: (readPrimary: ReadPages) => ReadPages = (readPrimary) => readPrimary,
) {
  /** One transaction; see the function's comment in the migration. `hlc` is the node's reading. */
  async function send(batch: NewMessage[], { node, hlc }: { node: string; hlc: bigint }): Promise<Sent[]> {
    type Columns = {
      ord: number;
      outcome: SendOutcome;
      new_position: number;
      new_hlc: string;
      sent_at: number;
      present: MessageJson | null;
      reply: MessageJson | null;
    };
    const column = <Key extends keyof NewMessage>(key: Key) => batch.map((message) => message[key]);
    const values = [
      node,
      hlc.toString(),
      column("roomId"),
      column("id"),
      column("senderId"),
      column("clientMessageId"),
      column("digest"),
      column("content"),
      column("replyToId"),
    ];
    const { rows } = await database.query<Columns>({ name: "send-messages", text: SEND, values });
    const sent = Array.from<Sent>({ length: batch.length });
    for (const row of rows) {
      const { outcome } = row;
      const reply = row.reply && messageRow(row.reply);
      const message = outcome === "SENT" ? newRow(batch[row.ord - 1]!, row) : row.present && messageRow(row.present);
      sent[row.ord - 1] = { outcome, message, reply };
    }
    return sent;
  }

  async function change(batch: MessageEdit[]): Promise<Changed[]> {
    type Columns = { ord: number; outcome: ChangeOutcome; message: MessageJson | null };
    const column = <Key extends keyof MessageEdit>(key: Key) => batch.map((edit) => edit[key]);
    const values = [column("roomId"), column("id"), column("actorId"), column("content")];
    const { rows } = await database.query<Columns>({ name: "change-messages", text: CHANGE, values });
    const changed = Array.from<Changed>({ length: batch.length });
    for (const { ord, outcome, message } of rows)
      changed[ord - 1] = { outcome, message: message && messageRow(message) };
    return changed;
  }

  async function read(keys: readonly MessageKey[]): Promise<Map<string, LoadedMessage>> {
    type Columns = { row: MessageJson; ord: number; left_revision: number | null; member_revision: number };
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.id), keys.map((key) => key.viewerId)];
    const { rows } = await database.query<Columns>({ name: "read-messages", text: READ_MESSAGES, values });
    const found = new Map<string, LoadedMessage>();
    for (const row of rows) {
      const message = messageRow(row.row);
      if (row.left_revision !== null && message.position > row.left_revision) continue;
      found.set(messageKey(keys[row.ord - 1]!), {
        message: messageAsOf(message, row.left_revision),
        memberRevision: row.member_revision,
      });
    }
    return found;
  }

  /** For each room that the viewer is in, in room order. */
  async function readPage(keys: readonly PageKey[], stretch: Stretch): Promise<Map<string, MessageRow[]>> {
    const { after, before, from, limit } = stretch;
    const values = [keys.map((key) => key.roomId), keys.map((key) => key.viewerId), after, before, limit];
    const text = from === "first" ? READ_FIRST : READ_LAST;
    const { rows } = await database.query<{ row: MessageJson; ord: number }>({
      name: `read-${from}-messages`,
      text,
      values,
    });
    const pages = new Map<string, MessageRow[]>(keys.map((key) => [pageKey(key), []]));
    for (const { row, ord } of rows) pages.get(pageKey(keys[ord - 1]!))!.push(messageRow(row));
    return pages;
  }

  return { send, change, read, readPage, readHistory: historyOf(readPage) };
}

function newRow(message: NewMessage, row: { new_position: number; new_hlc: string; sent_at: number }): MessageRow {
  const { digest: _digest, ...rest } = message;
  return {
    ...rest,
    position: row.new_position,
    revision: row.new_position,
    hlc: row.new_hlc,
    sentAt: row.sent_at,
    editedAt: null,
    deletedAt: null,
  };
}
