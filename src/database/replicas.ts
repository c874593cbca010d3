import pg from "pg";
import { Breaker } from "./breaker.ts";
import { sqlStateOf } from "./faults.ts";
import { session, type Statement } from "./pool.ts";

/** A statement that goes beyond is asked of the primary, which the client waits for as well. */
const timeouts = { connectionTimeoutMillis: 500, query_timeout: 1_000, statement_timeout: 900 };
const maxConnections = 10;

/** Databases that follow the primary, each as far as it is. They may be down or far behind at any time. */
export interface Replicas extends AsyncDisposable {
  /** One statement on one of them; null where none is to be had in a second and a half. Never rejects. */
  query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[] | null>;
  /** How many are in use, as far as known. */
  readonly up: number;
}

type Replica = { pool: pg.Pool; breaker: Breaker };

/** Takes turns among them. One that fails is left alone for a while. `onFault` is told of the first failure of a row. */
export function openReplicas(options: {
  urls: readonly string[];
  onFault: (fault: Error) => void;
  applicationName: string;
}): Replicas {
  const { onFault, applicationName } = options;
  const replicas = options.urls.map((url): Replica => ({ pool: open(url), breaker: new Breaker() }));
  let next = 0;

  function open(url: string): pg.Pool {
    const pool = new pg.Pool({
      connectionString: url,
      max: maxConnections,
      application_name: applicationName,
      keepAlive: true,
      ...session,
      ...timeouts,
    });
    // Its end is found by the next statement.
    pool.on("error", () => undefined);
    return pool;
  }

  function choose(): Replica | undefined {
    for (let tried = 0; tried < replicas.length; tried++) {
      const replica = replicas[next++ % replicas.length]!;
      if (replica.breaker.admits()) return replica;
    }
    return undefined;
  }

  async function query<Row extends pg.QueryResultRow>(statement: Statement): Promise<Row[] | null> {
    const replica = choose();
    if (!replica) return null;
    const { pool, breaker } = replica;
    try {
      const { rows } = await pool.query<Row>(statement);
      breaker.succeeded();
      return rows;
    } catch (fault) {
      // Replay cancels statements that stand in its way: this replica is well.
      if (sqlStateOf(fault)?.startsWith("40")) {
        breaker.succeeded();
        return null;
      }
      const isFirst = !breaker.isOpen;
      breaker.failed();
      if (isFirst) onFault(fault as Error);
      return null;
    }
  }

  return {
    query,
    get up() {
      return replicas.filter(({ breaker }) => !breaker.isOpen).length;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(replicas.map(({ pool }) => pool.end()));
    },
  };
}
