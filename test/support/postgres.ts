import { randomUUID } from "node:crypto";
import { Client } from "pg";
import { inject } from "vitest";
import { childrenOf } from "../../scripts/cluster/process-tree.ts";
import { openCluster } from "../../src/database/embedded-cluster.ts";
import type { StopMode } from "../../src/database/embedded-postmaster.ts";
import { startServer } from "../../src/database/embedded-server.ts";
import { makeDataDir, removeDataDir } from "./postgres-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    postgresUrl: string;
  }
}

const settings = {
  max_connections: 300,
  // Nothing here outlives the machine.
  fsync: "off",
  synchronous_commit: "on",
  full_page_writes: "off",
};

/** An empty database for one test file. */
export interface TestDatabase extends AsyncDisposable {
  url: string;
  close(): Promise<void>;
}

/** Makes one on the run's Postgres; `close` drops it, with whoever is still connected. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject("postgresUrl");
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await runSql(adminUrl, `CREATE DATABASE ${name}`);
  const url = new URL(adminUrl);
  url.pathname = name;
  const close = () => runSql(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  return { url: url.href, close, [Symbol.asyncDispose]: close };
}

async function runSql(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** A Postgres of one's own, to stop, pause and start again; it keeps its port and data. */
export interface TestPostgres extends AsyncDisposable {
  /** Of the superuser, in the database `postgres`. */
  url: string;
  /** The postmaster's; another after each start. */
  readonly pid: number;
  /** `immediate` is a crash: sessions are cut, and the next start recovers. */
  stop(mode: StopMode): Promise<void>;
  start(): Promise<void>;
  /** Freezes all of its processes: connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): void;
  /** Stops it and removes its data. */
  close(): Promise<void>;
}

export async function startPostgres(): Promise<TestPostgres> {
  const dataDir = await makeDataDir();
  const cluster = await openCluster({ dataDir, durable: false, log: ignore });
  let server = await startServer({ cluster, settings, log: ignore });
  const { url, port } = server;
  let paused: number[] = [];
  const resume = () => {
    for (const pid of paused) resumeProcess(pid);
    paused = [];
  };
  const stop = (mode: StopMode) => {
    resume();
    return server.stop(mode);
  };
  const close = async () => {
    await stop("immediate");
    cluster.release();
    await removeDataDir(dataDir);
  };
  return {
    url,
    get pid() {
      return server.pid;
    },
    stop,
    async start() {
      server = await startServer({ cluster, settings, port, log: ignore });
    },
    async pause() {
      // The postmaster first: from then on there are no new children, and none is reaped.
      process.kill(server.pid, "SIGSTOP");
      paused = [server.pid];
      for (const pid of await childrenOf(server.pid)) {
        process.kill(pid, "SIGSTOP");
        paused.push(pid);
      }
    },
    resume,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const ignore = () => undefined;

function resumeProcess(pid: number): void {
  try {
    process.kill(pid, "SIGCONT");
  } catch (error) {
    // It was about to end when it was paused.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
