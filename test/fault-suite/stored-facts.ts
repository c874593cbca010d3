import { openSql, type Sql } from "../support/sql.ts";
import type { Stay, StoredFacts, StoredMessage } from "./record.ts";

// The table of members has only the latest stay of each.
const KEEP_STAYS = `
create schema fault_suite;
create table fault_suite.stays (
  room_id uuid, user_id text, joined bigint, joined_at timestamptz not null, left_at_revision bigint,
  primary key (room_id, user_id, joined)
);
create function fault_suite.keep_stay() returns trigger language plpgsql as $$
begin
  insert into fault_suite.stays values (new.room_id, new.user_id, new.joined_revision, clock_timestamp(), new.left_revision)
  on conflict (room_id, user_id, joined) do update set left_at_revision = excluded.left_at_revision;
  return null;
end $$;
create trigger keep_stay after insert or update on public.members for each row execute function fault_suite.keep_stay();`;

const cursor = (column: string) => `room_id || '.' || lpad(${column}::text, 16, '0')`;

const MESSAGES = `
select room_id as "roomId", id, client_message_id as "clientMessageId", sender_id as "senderId", content,
  ${cursor("position")} as position, ${cursor("revision")} as version
from messages order by room_id, messages.position`;

const STAYS = `
select room_id as "roomId", user_id as "userId", ${cursor("joined")} as joined,
  floor(extract(epoch from joined_at) * 1000)::float8 as "joinedAtMs",
  case when left_at_revision is not null then ${cursor("left_at_revision")} end as left
from fault_suite.stays order by room_id, user_id, joined`;

const HEADS = `select ${cursor("revision")} as head from (select id as room_id, revision from rooms) r`;

/** From now on the database remembers when each member came and went. */
export async function keepStays(databaseUrl: string): Promise<void> {
  await using sql = await openSql(databaseUrl);
  await sql.rows(KEEP_STAYS);
}

export const readFacts = (databaseUrl: string): Promise<StoredFacts> =>
  inOneSnapshot(databaseUrl, async (sql) => ({
    messages: await sql.rows<StoredMessage>(MESSAGES),
    stays: await sql.rows<Stay>(STAYS),
  }));

/** How far each room's log goes, and who is in it. */
export const readHeads = (databaseUrl: string): Promise<{ heads: string[]; stays: Stay[] }> =>
  inOneSnapshot(databaseUrl, async (sql) => ({
    heads: (await sql.rows<{ head: string }>(HEADS)).map(({ head }) => head),
    stays: await sql.rows<Stay>(STAYS),
  }));

async function inOneSnapshot<Result>(databaseUrl: string, read: (sql: Sql) => Promise<Result>): Promise<Result> {
  await using sql = await openSql(databaseUrl);
  await sql.rows("begin isolation level repeatable read read only");
  return await read(sql);
}
