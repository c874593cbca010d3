import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { childrenOf } from "./process-tree.ts";

/** What runs, where, and when it counts as up. */
export interface ProcessOptions {
  readonly name: string;
  readonly port: number;
  readonly command: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** Whom it runs as; left out: as this process. */
  readonly account?: { uid: number; gid: number };
  /** What it writes to its standard output and error, over all of its lives. */
  readonly logFile: string;
  /** How it is asked to end. */
  readonly stopSignal?: NodeJS.Signals;
  /** Whether it serves. A rejection counts as no. */
  readonly isReady: () => Promise<boolean>;
}

/** A server in a process of its own. It ends with the process that started it, however that ends. */
export interface ManagedProcess {
  readonly name: string;
  /** The same after a restart. */
  readonly port: number;
  /** Another after each start. */
  readonly pid: number;
  readonly isRunning: boolean;
  readonly logFile: string;
  /**
   * Sends the signal, SIGKILL (the default) to its children as well, and comes back with the exit code (null after a signal)
   * once the process is gone.
   */
  kill(signal?: NodeJS.Signals): Promise<number | null>;
  /** As its operator would: lets it end by itself. */
  stop(): Promise<number | null>;
  /** Comes back when it serves. Nothing where it runs. Variables given are set beside those that it began with. */
  start(env?: NodeJS.ProcessEnv): Promise<void>;
  /** `kill`, then `start`. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** Freezes it and its children (SIGSTOP): connections stay open and nothing answers. */
  pause(): Promise<void>;
  resume(): void;
}

/** A busy machine takes its time. */
const startWithinMs = 60_000;
const askEveryMs = 30;
const shownLogLines = 20;

/**
 * Says the process id of the command, and kills all of its process group when its own standard input ends, as it does when
 * the process that started it is gone. Ends as the command does.
 */
const watchdog = `
exec 3<&0
"$@" >&2 3<&- & server=$!
( read line <&3; kill -9 0 ) & watch=$!
echo $server
wait $server; status=$?
kill $watch
exit $status`;

/** Serves when it comes back. @throws Error with the end of its log */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  let running = await launch(options, options.env);
  let paused: number[] = [];

  const resume = () => {
    for (const pid of paused.splice(0)) signalIfThere(pid, "SIGCONT");
  };
  const kill = async (signal: NodeJS.Signals = "SIGKILL") => {
    const children = signal === "SIGKILL" ? await childrenOf(running.pid) : [];
    if (!running.exited()) process.kill(running.pid, signal);
    for (const pid of children) signalIfThere(pid, signal);
    // Frozen, it would hear nothing but SIGKILL, and its children would stay.
    resume();
    return running.exit;
  };
  const start = async (env: NodeJS.ProcessEnv = {}) => {
    if (running.exited()) running = await launch(options, { ...options.env, ...env });
  };
  return {
    name: options.name,
    port: options.port,
    logFile: options.logFile,
    get pid() {
      return running.pid;
    },
    get isRunning() {
      return !running.exited();
    },
    kill,
    stop: () => kill(options.stopSignal ?? "SIGTERM"),
    start,
    async restart(signal) {
      await kill(signal);
      await start();
    },
    async pause() {
      // The parent first: from then on there are no new children, and none is reaped.
      process.kill(running.pid, "SIGSTOP");
      const children = await childrenOf(running.pid);
      for (const pid of children) signalIfThere(pid, "SIGSTOP");
      paused = [running.pid, ...children];
    },
    resume,
  };
}

interface Running {
  readonly pid: number;
  readonly exit: Promise<number | null>;
  exited(): boolean;
}

async function launch(options: ProcessOptions, env: NodeJS.ProcessEnv | undefined): Promise<Running> {
  await using log = await open(options.logFile, "a", 0o600);
  const stdio: StdioOptions = ["pipe", "pipe", log.fd];
  // A process group of its own: a terminal's Ctrl-C is for whoever started all this, who then ends it in order.
  const child = spawn("sh", ["-c", watchdog, "sh", ...options.command], {
    ...options.account,
    cwd: "/",
    env: env ?? {},
    stdio,
    detached: true,
  });
  const exit = once(child, "exit").then(([code]) => exitCode(code as number | null));
  const exited = () => child.exitCode !== null || child.signalCode !== null;
  const [line] = (await once(createInterface({ input: child.stdout! }), "line")) as [string];
  const running = { pid: Number(line), exit, exited };
  if (!(await becomesReady(options, exited))) {
    end(child);
    await exit;
    throw new Error(`${options.name} did not start. The end of ${options.logFile}:\n${await endOf(options.logFile)}`);
  }
  return running;
}

/** A shell tells of a signal as 128 and its number. */
const exitCode = (code: number | null) => (code !== null && code > 128 ? null : code);

/** By its watchdog, which takes the whole group along. */
const end = (child: ChildProcess) => void child.stdin!.end();

async function becomesReady({ isReady }: ProcessOptions, exited: () => boolean): Promise<boolean> {
  const deadline = performance.now() + startWithinMs;
  while (!exited() && performance.now() < deadline) {
    if (await isReady().catch(() => false)) return true;
    await delay(askEveryMs);
  }
  return false;
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function endOf(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trimEnd().split("\n").slice(-shownLogLines).join("\n");
}
