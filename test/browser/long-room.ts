import { openSql } from "../support/sql.ts";

/** Beyond what making a room takes. */
const before = 100;

/**
 * Fills a room that nobody has open with messages `Number 1` to `Number <count>`, of several lines now and then, one in two minutes and the
 * last one now; by turns of the two people, who have read them all.
 */
export async function fillRoom(databaseUrl: string, room: { id: string; people: [string, string]; count: number }) {
  const { id, people, count } = room;
  await using sql = await openSql(databaseUrl);
  await sql.rows(
    `insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at)
    select $1::uuid, ${before} + n, md5($1::text || n)::uuid, ${before} + n, ($3::text[])[1 + (n / 3) % 2], n, '',
      'Number ' || n || repeat(E'\nand a line more', 2 * (n % 7 = 3)::int), n, 'test', now() - ($2::int - n) * interval '2 minutes'
    from generate_series(1, $2::int) n`,
    [id, count, people],
  );
  await sql.rows(
    `insert into read_ranges (room_id, reader_id, from_position, through_position, read_at, revision)
    select $1, unnest($3::text[]), ${before} + 1, ${before} + $2::int, now(), ${before} + 1 + $2::int`,
    [id, count, people],
  );
  await sql.rows(
    `update rooms set revision = ${before} + 1 + $2::int, message_revision = ${before} + $2::int,
      receipt_revision = ${before} + 1 + $2::int where id = $1`,
    [id, count],
  );
}
