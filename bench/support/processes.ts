import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { pinned } from "./machine.ts";
import type { ProbeRequest, Usage } from "./probe.ts";
import { within } from "./within.ts";

const probeFile = fileURLToPath(new URL("probe.ts", import.meta.url));
const startDeadlineMs = 30_000;
const stopDeadlineMs = 5_000;
const answerDeadlineMs = 60_000;
const keptLogLines = 30;

export interface StartProgram {
  name: string;
  /** The program and its arguments, for node. */
  program: string[];
  core: number;
  /** Node's own flags. */
  nodeFlags?: readonly string[];
  env?: Record<string, string>;
  /** Other files to load first, after the probe. */
  preload?: string[];
  /** The line of its output that says that it takes connections. */
  ready: RegExp;
}

/** A node process of the bench, with the probe in it. It ends with the bench. */
export interface Program extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** What the line of `ready` matched. */
  readonly ready: RegExpExecArray;
  usage(): Promise<Usage>;
  /** Collects garbage first. */
  usageAfterCollection(): Promise<Usage>;
  startProfile(): Promise<void>;
  /** Writes a .cpuprofile. */
  stopProfile(file: string): Promise<void>;
  /** What it sends over IPC besides the probe's answers. Returns how to stop. */
  onMessage(listener: (message: unknown) => void): () => void;
  /** Rejects if the process ends by itself, with the end of its output. Never resolves. */
  readonly failed: Promise<never>;
}

const running = new Set<ChildProcess>();
let isOver = false;

/** Kills what still runs, at once, and lets nothing start any more: for the end of the bench, whatever its cause. */
export function killAll(): void {
  isOver = true;
  for (const child of running) child.kill("SIGKILL");
}

/** Starts a node program on a core and waits for its `ready` line. Throws when it ends before, or does not come within 30 s. */
export async function startProgram(start: StartProgram): Promise<Program> {
  const { name, program, core, nodeFlags = [], env, preload = [], ready } = start;
  if (isOver) throw new Error("The bench is over.");
  const imports = [probeFile, ...preload].flatMap((file) => ["--import", file]);
  const [command, ...args] = pinned(core, [process.execPath, "--expose-gc", ...nodeFlags, ...imports, ...program]);
  const child = spawn(command!, args, {
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    env: { ...process.env, NODE_ENV: "production", ...env },
  });
  running.add(child);
  child.once("exit", () => running.delete(child));

  const output = readOutput(child, ready);
  const failed = failure(name, child, output.tail);
  const matched = await within(`${name} is ready`, startDeadlineMs, Promise.race([output.ready, failed])).catch(
    (cause: unknown) => {
      child.kill("SIGKILL");
      throw new Error(`${name} did not start:\n${output.tail().join("\n")}`, { cause });
    },
  );

  const ask = probe(name, child, failed);
  return {
    name,
    pid: child.pid!,
    ready: matched,
    failed,
    usage: () => ask({ ask: "usage" }),
    usageAfterCollection: () => ask({ ask: "collect" }),
    async startProfile() {
      await ask({ ask: "startProfile" });
    },
    async stopProfile(file) {
      await ask({ ask: "stopProfile", file });
    },
    onMessage(listener) {
      child.on("message", listener);
      return () => void child.off("message", listener);
    },
    [Symbol.asyncDispose]: () => stop(child),
  };
}

function readOutput(child: ChildProcess, ready: RegExp): { ready: Promise<RegExpExecArray>; tail: () => string[] } {
  const tail: string[] = [];
  const matched = Promise.withResolvers<RegExpExecArray>();
  for (const input of [child.stdout!, child.stderr!]) {
    createInterface({ input }).on("line", (line) => {
      tail.push(line);
      if (tail.length > keptLogLines) tail.shift();
      const match = ready.exec(line);
      if (match) matched.resolve(match);
    });
  }
  return { ready: matched.promise, tail: () => tail };
}

function failure(name: string, child: ChildProcess, tail: () => string[]): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`${name} ended (${signal ?? code}):\n${tail().join("\n")}`));
    });
  });
  // When it is stopped on purpose nobody waits for this any more.
  failed.catch(() => undefined);
  return failed;
}

function probe(name: string, child: ChildProcess, failed: Promise<never>) {
  return async (request: ProbeRequest): Promise<Usage> => {
    const answer = Promise.withResolvers<Usage>();
    const listen = (message: { usage?: Usage; failure?: string }) => {
      if (message.usage) answer.resolve(message.usage);
      if (message.failure) answer.reject(new Error(`${name}: ${message.failure}`));
    };
    child.on("message", listen);
    child.send(request);
    try {
      return await within(`${name} answers "${request.ask}"`, answerDeadlineMs, Promise.race([answer.promise, failed]));
    } finally {
      child.off("message", listen);
    }
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const hurry = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
  await exit;
  clearTimeout(hurry);
}
