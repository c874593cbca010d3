import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { freePort } from "../../scripts/cluster/free-port.ts";
import { redisServerBinary } from "./redis-binary.ts";
import { until } from "./until.ts";

/** A redis-server of its own, on 127.0.0.1 only. It ends with the process that started it, however that ends. */
export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Another after a restart. */
  readonly pid: number;
  /** One command over a connection of its own. */
  command(...args: (string | number)[]): Promise<unknown>;
  /** Stops it from running (SIGSTOP): connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** SIGKILL; comes back when the process is gone. */
  kill(): Promise<void>;
  /** Kills it if it runs, and starts it on the same port. `empty: false` keeps the data (saved before, if it runs). */
  restart(options?: { empty?: boolean }): Promise<void>;
  close(): Promise<void>;
}

export { freePort };

const dataFiles = ["dump.rdb", "appendonlydir"];

/**
 * Says the process id of the server, before it says anything itself, and starts it. When its own standard input ends, which the system does when the test's process
 * is gone, it removes the folder and kills the server. Ends when the server ends.
 */
const watchdog = `
folder=$1; shift
exec 3<&0
sh -c 'echo $$; exec "$@"' sh "$@" & server=$!
( read line <&3; rm -rf "$folder"; kill -9 $server ) & watch=$!
wait $server; status=$?
kill $watch
exit $status`;

/** Ready for commands when it comes back. Nothing is persisted unless `args` says so. */
export async function startRedis(options: { port?: number; args?: string[] } = {}): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "causerie-redis-"));
  const own = ["--save", "", "--appendonly", "no", "--dir", folder, "--repl-diskless-sync-delay", "0"];
  const args = [...own, ...(options.args ?? [])];
  return serve({ folder, port: options.port ?? (await freePort()), args });
}

/** Starts redis-server with these arguments, as a server or as a Sentinel. The folder is its own and goes with it. */
export async function serve(options: { folder: string; port: number; args: string[] }): Promise<TestRedis> {
  const { folder, port } = options;
  let running = await launch(options);

  const kill = async () => {
    if (!running.exited()) running.signal("SIGKILL");
    await running.exit;
  };
  const close = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    get pid() {
      return running.pid;
    },
    command: (...words) => ask(port, words),
    pause: () => running.signal("SIGSTOP"),
    resume: () => running.signal("SIGCONT"),
    kill,
    async restart({ empty = true } = {}) {
      if (!empty && !running.exited()) await ask(port, ["save"]);
      await kill();
      if (empty) await Promise.all(dataFiles.map((name) => rm(join(folder, name), { recursive: true, force: true })));
      running = await launch(options);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Running {
  readonly pid: number;
  readonly exit: Promise<unknown>;
  exited(): boolean;
  signal(name: NodeJS.Signals): void;
}

/** Comes back when it answers. */
async function launch(options: { folder: string; port: number; args: string[] }): Promise<Running> {
  const { folder, port, args } = options;
  const binary = await redisServerBinary();
  const words = [binary, ...args, "--port", String(port), "--bind", "127.0.0.1", "--daemonize", "no"];
  // Standard error: the shell saying that the server was killed.
  const child = spawn("sh", ["-c", watchdog, "sh", folder, ...words], { stdio: ["pipe", "pipe", "ignore"] });
  const exit = once(child, "exit");
  const { pid, tail } = await firstLine(child);
  try {
    await until(`redis-server answers on port ${port}`, async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended at once:\n${tail().join("\n")}`);
      return answers(port, pid);
    });
  } catch (error) {
    // The watchdog ends the server.
    child.stdin.end();
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    pid,
    exit,
    exited: () => child.exitCode !== null || child.signalCode !== null,
    signal: (name) => void process.kill(pid, name),
  };
}

/** The first line is the process id, from the watchdog; what follows is the server's log, whose end is kept. */
async function firstLine(child: ChildProcess): Promise<{ pid: number; tail: () => string[] }> {
  const log: string[] = [];
  const lines = createInterface({ input: child.stdout! });
  const pid = new Promise<number>((resolve) => lines.once("line", (line) => resolve(Number(line))));
  lines.on("line", (line) => {
    log.push(line);
    if (log.length > 20) log.shift();
  });
  return { pid: await pid, tail: () => log };
}

/** By its process id, lest another server that took the port meanwhile answer in its place. */
async function answers(port: number, pid: number): Promise<boolean> {
  return ask(port, ["info", "server"]).then(
    (reply) => String(reply).includes(`process_id:${pid}\r`),
    // Not yet listening, or still loading.
    () => false,
  );
}

async function ask(port: number, words: (string | number)[]): Promise<unknown> {
  const [name, ...args] = words;
  const redis = new Redis({
    port,
    host: "127.0.0.1",
    lazyConnect: true,
    retryStrategy: () => null,
    commandTimeout: 5_000,
  });
  redis.on("error", () => {
    // The command's own rejection says it.
  });
  try {
    return await redis.call(String(name), ...args);
  } finally {
    if (redis.status !== "end") redis.disconnect();
  }
}
