import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openCluster } from "../../src/database/embedded-cluster.ts";
import { makeDataDir, removeIfDead } from "./postgres-folder.ts";

const program = new URL("./embedded-owner-program.ts", import.meta.url).pathname;
const running = new Set<ChildProcess>();
const dataDirs: string[] = [];

/** A process that has the embedded database of a folder open. */
export interface Owner {
  child: ChildProcess;
  dataDir: string;
  url: string;
  /** The postmaster's when it was opened. */
  postgresPid: number;
  /** All that it told so far. */
  news: Record<string, unknown>[];
  logged: string[];
  untilLogged(part: string): Promise<void>;
}

/** Gone after `endOwners`. */
export async function newDataDir(): Promise<string> {
  const dataDir = await makeDataDir();
  dataDirs.push(dataDir);
  return dataDir;
}

/** The same with a database in it already, made without forcing it to disk: most tests begin later than that. */
export async function newDatabase(): Promise<string> {
  const dataDir = await newDataDir();
  const cluster = await openCluster({ dataDir, durable: false, log: () => undefined });
  cluster.release();
  return dataDir;
}

/** For `afterEach`: ends every process started here and removes its data. */
export async function endOwners(): Promise<void> {
  for (const child of running) await end(child, "SIGKILL");
  for (const dataDir of dataDirs.splice(0)) await removeIfDead(dataDir);
}

/** In a process group of its own, as a shell would start it. */
export function spawnOwner(dataDir: string): ChildProcess {
  const child = spawn(process.execPath, [program, dataDir], { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Resolves once the database is open; rejects with what the process wrote to stderr where it ends instead. */
export async function openIn(dataDir: string): Promise<Owner> {
  const child = spawnOwner(dataDir);
  const news: Record<string, unknown>[] = [];
  const logged: string[] = [];
  let stderr = "";
  child.stderr!.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const lines = createInterface(child.stdout!);
  lines.on("line", (line) => {
    const told = JSON.parse(line) as Record<string, unknown>;
    news.push(told);
    if (typeof told.log === "string") logged.push(told.log);
  });
  const ended = once(child, "close").then(() => new Error(stderr));
  const until = async (isSo: () => boolean) => {
    while (!isSo()) {
      const error = await Promise.race([once(lines, "line"), ended]);
      if (error instanceof Error) throw error;
    }
  };
  await until(() => news.some(({ url }) => url));
  return {
    child,
    dataDir,
    url: String(news.find(({ url }) => url)?.url),
    postgresPid: await postgresPidIn(dataDir),
    news,
    logged,
    untilLogged: (part) => until(() => logged.some((line) => line.includes(part))),
  };
}

/** Signals the process and waits for its end: the exit code, `null` where the signal ended it. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, "exit");
  child.kill(signal);
  const [code] = (await exit) as [number | null];
  return code;
}

export async function postgresPidIn(dataDir: string): Promise<number> {
  return Number.parseInt(await readFile(join(dataDir, "database", "cluster", "postmaster.pid"), "utf8"), 10);
}
