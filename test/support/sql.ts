import { Client, type QueryResultRow } from "pg";

/** A connection of the test's own to a database. */
export interface Sql extends AsyncDisposable {
  readonly client: Client;
  /** The backend's process id, as pg_locks and pg_stat_activity know it. */
  readonly pid: number;
  rows<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>;
  /** The first row; there must be one. */
  row<Row extends QueryResultRow>(text: string, values?: unknown[]): Promise<Row>;
}

export async function openSql(url: string): Promise<Sql> {
  const client = new Client({ connectionString: url, application_name: "test" });
  // A database that is dropped at the end of a test ends its connections.
  client.on("error", () => undefined);
  await client.connect();
  const rows = async <Row extends QueryResultRow>(text: string, values?: unknown[]) =>
    (await client.query<Row>(text, values)).rows;
  const row = async <Row extends QueryResultRow>(text: string, values?: unknown[]) => {
    const [first] = await rows<Row>(text, values);
    if (!first) throw new Error(`No row: ${text}`);
    return first;
  };
  const { pid } = await row<{ pid: number }>("select pg_backend_pid() as pid");
  return { client, pid, rows, row, [Symbol.asyncDispose]: () => client.end() };
}

/** How far a room's log goes, and what else of it a refused operation could have changed. */
export async function roomState(sql: Sql, roomId: string): Promise<unknown> {
  return sql.row(
    `select r.*, r.hlc::text as hlc,
      (select coalesce(json_agg(m order by m.user_id), '[]') from members m where m.room_id = r.id) as members,
      (select coalesce(json_agg(m order by m.position), '[]') from messages m where m.room_id = r.id) as messages
     from rooms r where r.id = $1`,
    [roomId],
  );
}
