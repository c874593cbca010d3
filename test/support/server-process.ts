import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createInterface } from "node:readline";
import { testSecret } from "./app.ts";
import { freePort } from "./redis-server.ts";
import { until } from "./until.ts";

/** A node of Causerie in a process of its own, on 127.0.0.1. It ends with the process that started it, however that ends. */
export interface ServerProcess extends AsyncDisposable {
  /** The same after a restart. */
  readonly url: string;
  readonly isRunning: boolean;
  /** Another after each start. */
  readonly pid: number;
  /** The end of what it wrote to its standard output and error, over all of its lives. */
  readonly log: readonly string[];
  /** SIGKILL; comes back when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM; gives the exit code. */
  stop(): Promise<number | null>;
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Comes back when it listens. */
  start(): Promise<void>;
}

export interface ServerProcessOptions {
  databaseUrl: string;
  redisUrl?: string;
  env?: Record<string, string>;
}

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const maxLogLines = 200;
/** A machine that does other things besides takes its time. */
const startWithinMs = 60_000;

/** Says the process id, before the process says anything, and kills it when its own standard input ends: the process that started it is gone. */
const watchdog = `
exec 3<&0
sh -c 'echo $$; exec "$@"' sh "$@" & server=$!
( read line <&3; kill -9 $server ) & watch=$!
wait $server; status=$?
kill $watch
exit $status`;

/** Ready for clients when it comes back. The settings are those of the tests: their secret, no rate limits. */
export async function startServerProcess(options: ServerProcessOptions): Promise<ServerProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log: string[] = [];
  const env = environmentOf(options, port);
  let running = await launch({ env, url, log });

  const signal = (name: NodeJS.Signals) => void (running.exited() || process.kill(running.pid, name));
  const kill = async () => {
    signal("SIGKILL");
    await running.exit;
  };
  return {
    url,
    log,
    get isRunning() {
      return !running.exited();
    },
    get pid() {
      return running.pid;
    },
    kill,
    async stop() {
      signal("SIGTERM");
      return running.exit;
    },
    pause: () => signal("SIGSTOP"),
    resume: () => signal("SIGCONT"),
    async start() {
      if (running.exited()) running = await launch({ env, url, log });
    },
    [Symbol.asyncDispose]: kill,
  };
}

function environmentOf({ databaseUrl, redisUrl, env }: ServerProcessOptions, port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    ...(redisUrl !== undefined && { REDIS_URL: redisUrl }),
    JWT_SECRET: testSecret,
    RATE_LIMITS: "off",
    LOG_LEVEL: "warn",
    ...env,
  };
}

interface Running {
  readonly pid: number;
  readonly exit: Promise<number | null>;
  exited(): boolean;
}

async function launch({ env, url, log }: { env: NodeJS.ProcessEnv; url: string; log: string[] }): Promise<Running> {
  const child = spawn("sh", ["-c", watchdog, "sh", process.execPath, main], { env, stdio: ["pipe", "pipe", "pipe"] });
  const exit = once(child, "exit").then(([code]) => code as number | null);
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  const pid = await readPid(child, log);
  let answer = "none";
  const isReady = async () => {
    if (exited()) throw new Error("It ended at once.");
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
    answer = `${response.status} ${await response.text()}`;
    return response.ok;
  };
  // It does not listen yet.
  const asked = () => isReady().catch((error: unknown) => (exited() ? Promise.reject(error) : false));
  try {
    await until(`the server is ready at ${url}`, asked, startWithinMs);
  } catch (error) {
    if (!exited()) process.kill(pid, "SIGKILL");
    throw new Error(`Its last answer: ${answer}; its log:\n${log.join("\n")}`, { cause: error });
  }
  return { pid, exit, exited };
}

/** The first line is the process id, from the watchdog; what follows is the server's. */
async function readPid(child: ChildProcess, log: string[]): Promise<number> {
  const keep = (line: string) => {
    log.push(line);
    if (log.length > maxLogLines) log.shift();
  };
  const lines = createInterface({ input: child.stdout! });
  createInterface({ input: child.stderr! }).on("line", keep);
  const [first] = (await once(lines, "line")) as [string];
  lines.on("line", keep);
  return Number(first);
}
