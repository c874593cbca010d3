import pg from "pg";

/** Runs one statement. `name` makes it a prepared statement of the connection. */
export interface Queryable {
  query<Row extends pg.QueryResultRow>(statement: Statement): Promise<pg.QueryResult<Row>>;
}

export type Statement = { name?: string; text: string; values?: unknown[] };

/** The database as everything above it sees it. Closing waits for running statements, at most `closeTimeoutMs`. */
export interface Database extends Queryable, AsyncDisposable {
  /** One transaction on one connection; rolled back when `work` throws. Isolation is READ COMMITTED. */
  transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

export type DatabaseOptions = {
  url: string;
  onFault: (fault: Error) => void;
  maxConnections?: number;
  /** How long a statement waits for a connection. */
  connectionTimeoutMs?: number;
  applicationName?: string;
};

// pg waits for ever by default. A black-holed server must give an error within 5 s, so the client's own limits end
// before that; the server's limits free its locks when the client is gone.
const timeouts = {
  query_timeout: 4_500,
  statement_timeout: 4_000,
  lock_timeout: 3_500,
  idle_in_transaction_session_timeout: 5_000,
};

/** Revisions and clock milliseconds fit a double exactly; HLC readings, which do not, are selected as text. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);
types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, parseTimestampMs);

/** Sessions run in UTC, so the text is always `2026-01-02 03:04:05.678+00`. */
function parseTimestampMs(text: string): number {
  return Date.parse(`${text.slice(0, 10)}T${text.slice(11)}:00`);
}

export function openDatabase({
  url,
  onFault,
  maxConnections = 20,
  connectionTimeoutMs = 3_000,
  applicationName = "causerie",
}: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    application_name: applicationName,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    options: "-c TimeZone=UTC -c DateStyle=ISO -c jit=off",
    types,
    connectionTimeoutMillis: connectionTimeoutMs,
    ...timeouts,
  });
  let closing: Promise<void> | undefined;
  // An idle connection that breaks is dropped by the pool; without a listener it would end the process. The pool is
  // closed a moment before its connections are: how these end is then of no interest.
  pool.on("error", (fault) => {
    if (!closing) onFault(fault);
  });

  async function transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      await client.query("begin");
      const result = await work(client);
      await client.query("commit");
      return result;
    } catch (error) {
      await client.query("rollback").catch((fault: Error) => (broken = fault));
      throw error;
    } finally {
      client.release(broken);
    }
  }

  const close = () => (closing ??= pool.end());
  return {
    pool,
    query: (statement) => pool.query(statement),
    transaction,
    close,
    [Symbol.asyncDispose]: close,
  };
}
