import { rename } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { openCluster, type Cluster } from "./embedded-cluster.ts";
import { undefinedIfMissing } from "./embedded-files.ts";
import { startServer, type Server } from "./embedded-server.ts";

const minPauseMs = 250;
const maxPauseMs = 30_000;

const settings = {
  max_connections: 100,
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  // Events of the server only: errors of statements are the caller's to log, and their texts hold what users wrote.
  log_min_messages: "log",
  log_min_error_statement: "panic",
  log_checkpoints: "off",
  log_autovacuum_min_duration: -1,
  log_timezone: "UTC",
};

/** A Postgres of this process' own. */
export interface EmbeddedDatabase extends AsyncDisposable {
  /** With a password in it: not for logs. */
  url: string;
  /** Stops Postgres and gives the data folder up. Sessions still open are ended; no commit is lost. At most 30 s. */
  close(): Promise<void>;
}

/**
 * Starts a Postgres on a free port of 127.0.0.1, with its data in `dataDir`, made there the first time. What is committed is on
 * disk. One process at a time has a `dataDir`: another start is refused with an Error that names the folder and the process. A
 * Postgres that a killed process left behind is stopped first. One that dies is started again under the same `url`.
 *
 * `log` gets what an operator should know; Postgres' own log is `database/postgres.log`, with that of the start before
 * beside it. `signal` ends the opening, not the database. Throws an Error that says what to do.
 */
export async function openEmbeddedDatabase(options: {
  dataDir: string;
  log: (line: string) => void;
  signal?: AbortSignal;
}): Promise<EmbeddedDatabase> {
  const { log, signal } = options;
  const cluster = await openCluster(options);
  let server: Server;
  try {
    await rename(cluster.serverLog, `${cluster.serverLog}.1`).catch(undefinedIfMissing);
    server = await startServer({ cluster, settings, log, signal });
  } catch (error) {
    cluster.release();
    throw error;
  }
  const closing = new AbortController();
  const kept = keepRunning({ cluster, server, log, closing: closing.signal });
  let closed: Promise<void> | undefined;
  const close = () => {
    closing.abort();
    // Given up only once Postgres is gone: the next owner would find it running.
    return (closed ??= kept.then(() => cluster.release()));
  };
  return { url: server.url, close, [Symbol.asyncDispose]: close };
}

interface Keeping {
  cluster: Cluster;
  server: Server;
  log: (line: string) => void;
  closing: AbortSignal;
}

/** Starts Postgres again whenever it dies, until `closing`. Then stops it. */
async function keepRunning({ cluster, server, log, closing }: Keeping): Promise<void> {
  const closed = new Promise((resolve) => closing.addEventListener("abort", resolve, { once: true }));
  let running: Server | undefined = server;
  while (running) {
    const how = await Promise.race([running.ended, closed]);
    if (closing.aborted) return running.stop("fast");
    log(`Postgres ended by itself (${String(how)}). Starting it again.`);
    running = await startAgain({ cluster, port: server.port, log, closing });
  }
}

/** Under the same port, as often as it takes; `undefined` once `closing`. */
async function startAgain({
  cluster,
  port,
  log,
  closing,
}: Omit<Keeping, "server"> & { port: number }): Promise<Server | undefined> {
  for (let pauseMs = minPauseMs; ; pauseMs = Math.min(2 * pauseMs, maxPauseMs)) {
    try {
      await delay(pauseMs, undefined, { signal: closing });
      const server = await startServer({ cluster, settings, log, port, signal: closing });
      log(`Postgres runs again (process ${server.pid}).`);
      return server;
    } catch (error) {
      if (closing.aborted) return undefined;
      log(`${(error as Error).message}\nTrying again.`);
    }
  }
}
