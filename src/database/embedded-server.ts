import { spawn, type ChildProcess } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { superuser, type Cluster } from "./embedded-cluster.ts";
import { undefinedIfMissing } from "./embedded-files.ts";
import { stopLeftBehind, stopPostmaster, type StopMode } from "./embedded-postmaster.ts";

const pollMs = 15;
// Recovery after a crash may take long, as it does in any Postgres.
const startLimitMs = 120_000;
const retryLimitMs = 15_000;
const retryMs = 200;
const shownLogBytes = 4_000;
// Little is written while it runs; this is for one that fails to start over and over.
const maxLogBytes = 8 * 1024 * 1024;

/** What goes away by itself or on another port: a port just taken, backends of a killed postmaster that are about to end. */
const passing = /could not create any TCP\/IP sockets|shared memory block .* in use|"postmaster\.pid" already exists/;

/** A running Postgres. */
export interface Server {
  pid: number;
  port: number;
  url: string;
  /** Resolves to how it ended, once it has. */
  ended: Promise<string>;
  stop(mode: StopMode): Promise<void>;
}

interface Options {
  cluster: Cluster;
  settings: Record<string, string | number>;
  log: (line: string) => void;
  /** Left out: a free one. */
  port?: number;
  signal?: AbortSignal;
}

/**
 * Starts Postgres on 127.0.0.1, ready for connections when it resolves. It is in a process group of its own, so that a
 * terminal's Ctrl-C leaves it to its owner to stop, and does not keep this process alive. Throws an Error with the end of
 * Postgres' log, or the signal's reason, with nothing left running.
 */
export async function startServer(options: Options): Promise<Server> {
  const { cluster, signal } = options;
  const retryEnd = performance.now() + retryLimitMs;
  for (;;) {
    signal?.throwIfAborted();
    await stopLeftBehind(cluster.cluster, options.log);
    const port = options.port ?? (await freePort());
    const attempt = await spawnPostgres(options, port);
    const failure = await untilReady(attempt, options);
    if (!failure) return serverOf(attempt, cluster, port);
    const said = await endOfLog(cluster.serverLog, attempt.logStart);
    if (!passing.test(said) || performance.now() > retryEnd) {
      throw new Error(`Postgres did not start (${failure}). The end of ${cluster.serverLog}:\n${said.trimEnd()}`);
    }
    await delay(retryMs, undefined, { signal });
  }
}

interface Attempt {
  child: ChildProcess;
  ended: Promise<string>;
  /** Bytes in the log before this attempt. */
  logStart: number;
}

async function spawnPostgres({ cluster, settings }: Options, port: number): Promise<Attempt> {
  const all = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", timezone: "UTC", ...settings };
  // A file, not a pipe: Postgres outlives this process where that is killed, and must not stumble over a broken pipe.
  await using log = await open(cluster.serverLog, "a", 0o600);
  let { size: logStart } = await log.stat();
  if (logStart > maxLogBytes) {
    await log.truncate(0);
    logStart = 0;
  }
  const child = spawn(
    cluster.binaries.postgres,
    ["-D", cluster.cluster, ...Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`])],
    {
      ...cluster.account,
      cwd: "/",
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", log.fd, log.fd],
      detached: true,
    },
  );
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
  child.unref();
  // Also where nobody closes it, as after an uncaught exception. Only a kill leaves Postgres behind.
  const stopAtExit = () => void child.kill("SIGINT");
  process.once("exit", stopAtExit);
  child.once("exit", () => process.off("exit", stopAtExit));
  return { child, ended, logStart };
}

/** Resolves to what went wrong, or `undefined` once connections are taken, as Postgres itself notes in its pid file. */
async function untilReady({ child, ended }: Attempt, { cluster, signal }: Options): Promise<string | undefined> {
  const pidFile = join(cluster.cluster, "postmaster.pid");
  const end = performance.now() + startLimitMs;
  while (!(await settlesWithin(ended, pollMs))) {
    const lines = (await readFile(pidFile, "utf8").catch(undefinedIfMissing))?.split("\n") ?? [];
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === "ready") return undefined;
    if (!signal?.aborted && performance.now() < end) continue;
    await stop({ child, ended }, "immediate");
    signal?.throwIfAborted();
    return `not ready after ${startLimitMs / 1_000} s`;
  }
  return ended;
}

function serverOf({ child, ended }: Attempt, cluster: Cluster, port: number): Server {
  const { pid } = child;
  if (pid === undefined) throw new Error("A Postgres that is ready has a process.");
  const url = `postgresql://${superuser}:${cluster.passwordText}@127.0.0.1:${port}/postgres`;
  return { pid, port, url, ended, stop: (mode) => stop({ child, ended }, mode) };
}

async function stop({ child, ended }: { child: ChildProcess; ended: Promise<string> }, mode: StopMode): Promise<void> {
  const { pid } = child;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await stopPostmaster({ pid, mode, endedWithin: (limitMs) => settlesWithin(ended, limitMs) });
}

async function settlesWithin(promise: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([promise.then(() => true), delay(limitMs, false, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

/** A port that was free a moment ago: Postgres does not choose one itself. */
async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", resolve);
  });
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

async function endOfLog(file: string, from: number): Promise<string> {
  await using log = await open(file, "r");
  const { size } = await log.stat();
  const start = Math.max(from, size - shownLogBytes);
  const { buffer, bytesRead } = await log.read(Buffer.alloc(size - start), 0, size - start, start);
  return buffer.toString("utf8", 0, bytesRead);
}
