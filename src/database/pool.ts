import pg from "pg";
import { ConnectionFault, sqlStateOf } from "./faults.ts";
import { Outage } from "./outage.ts";

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
  /** Told how long each statement or transaction waited for a connection. */
  onWaited?: (seconds: number) => void;
};

/** A statement, its wait for a connection included: a database that does not answer must give an error within 5 s. */
const answerTimeoutMs = 4_300;
const probeTimeoutMs = 2_000;
// pg waits for ever by default. The server's limits end before the client's, and free its locks when the client is gone.
const timeouts = {
  query_timeout: answerTimeoutMs,
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

/** What every session is like, and how its answers are read. */
export const session = { options: "-c TimeZone=UTC -c DateStyle=ISO -c jit=off", types };

export function openDatabase({
  url,
  onFault,
  maxConnections = 20,
  connectionTimeoutMs = 3_000,
  applicationName = "causerie",
  onWaited,
}: DatabaseOptions): Database {
  const pool = new pg.Pool({
    connectionString: url,
    max: maxConnections,
    application_name: applicationName,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    ...session,
    connectionTimeoutMillis: connectionTimeoutMs,
    ...timeouts,
  });
  const outage = new Outage({ probe: () => probe(url), onFault, onBegin: () => dropIdle(pool) });
  let closing: Promise<void> | undefined;
  // An idle connection that breaks is dropped by the pool; without a listener it would end the process. The pool is
  // closed a moment before its connections are: how these end is then of no interest.
  pool.on("error", (fault) => {
    if (!closing) onFault(fault);
  });

  /** Runs `work` on one connection, which is given up where something was not answered. */
  async function onConnection<Result>(work: (connection: Queryable) => Promise<Result>): Promise<Result> {
    const passing = outage.pass();
    if (passing) await passing;
    const startMs = performance.now();
    const dueAtMs = startMs + answerTimeoutMs;
    const client = await pool.connect().catch((fault: Error) => unanswered(fault));
    onWaited?.((performance.now() - startMs) / 1_000);
    let broken: Error | undefined;
    let isFirst = true;
    const connection: Queryable = {
      async query<Row extends pg.QueryResultRow>(statement: Statement) {
        const timeoutMs = isFirst ? Math.max(dueAtMs - performance.now(), 1) : answerTimeoutMs;
        isFirst = false;
        try {
          const result = await client.query<Row>({ ...statement, query_timeout: timeoutMs } as pg.QueryConfig);
          outage.heard();
          return result;
        } catch (fault) {
          if (isEndOfConnection(fault)) broken = fault as Error;
          if (sqlStateOf(fault) === null) return unanswered(fault as Error);
          outage.heard();
          throw fault;
        }
      },
    };
    // The pool listens only to those that nobody uses: without a listener its end would be the process'.
    const onError = (fault: Error) => void (broken ??= fault);
    client.on("error", onError);
    try {
      return await work(connection);
    } finally {
      client.off("error", onError);
      client.release(broken);
    }
  }

  function unanswered(cause: Error): never {
    const isSilence = silences.has(cause.message);
    if (isSilence) outage.unanswered();
    throw new ConnectionFault(cause.message, { cause, isSilence });
  }

  function transaction<Result>(work: (tx: Queryable) => Promise<Result>): Promise<Result> {
    return onConnection(async (connection) => {
      await connection.query({ text: "begin" });
      try {
        const result = await work(connection);
        await connection.query({ text: "commit" });
        return result;
      } catch (fault) {
        // Where the connection is broken the server rolls back by itself.
        if (!(fault instanceof ConnectionFault)) await connection.query({ text: "rollback" });
        throw fault;
      }
    });
  }

  const query = <Row extends pg.QueryResultRow>(statement: Statement) =>
    onConnection((connection) => connection.query<Row>(statement));

  async function close(): Promise<void> {
    outage[Symbol.dispose]();
    await (closing ??= pool.end());
  }
  return { pool, query, transaction, close, [Symbol.asyncDispose]: close };
}

/** What pg says where it waited in vain. */
const silences = new Set([
  "Query read timeout",
  "timeout exceeded when trying to connect",
  "Connection terminated due to connection timeout",
]);

/** The server says goodbye with an SQLSTATE too. */
function isEndOfConnection(fault: unknown): boolean {
  return sqlStateOf(fault) === null || (fault as { severity?: string }).severity === "FATAL";
}

/** Over a connection of its own: what became of those of the pool nobody knows. */
async function probe(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: probeTimeoutMs });
  client.on("error", () => {
    // Its end comes with the statement's fault.
  });
  try {
    await client.connect();
    await client.query({ text: "select 1", query_timeout: probeTimeoutMs } as pg.QueryConfig);
  } finally {
    client.connection.stream.destroy();
  }
}

/** Connections that are not in use. A firewall that has forgotten them would hold up each one's next statement. */
function dropIdle(pool: pg.Pool): void {
  for (let idle = pool.idleCount; idle > 0; idle--) {
    void pool.connect().then(
      (client) => {
        client.release(true);
        client.connection.stream.destroy();
      },
      () => undefined,
    );
  }
}
