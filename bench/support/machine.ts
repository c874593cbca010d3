import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

/** The process under test has this core to itself. */
export const serverCore = 0;
/** The load, the publisher, Redis and Postgres share this one. */
export const loadCore = 1;

const coreCount = cpus().length;
/** What others had the machine do before the bench began. */
const loadBefore = loadavg()[0]!;
const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;
/** Without two cores and taskset the figures are worth little; the header of the report says so. */
export const canPin = coreCount >= 2 && hasTaskset;

/** Moves this process, and so those it starts, to the core of the load. */
export function pinLoad(): void {
  if (!canPin) return;
  const moved = spawnSync("taskset", ["-acp", String(loadCore), String(process.pid)], { encoding: "utf8" });
  if (moved.status !== 0) throw new Error(`This process could not be pinned: ${moved.stderr}`);
}

/** The words that start a command on one core. */
export function pinned(core: number, command: string[]): string[] {
  return canPin ? ["taskset", "-c", String(core), ...command] : command;
}

/** Throws where the system does not allow a process that many sockets. Node raises the soft limit to the hard one by itself. */
export function requireOpenFiles(sockets: number): void {
  const needed = sockets + 200;
  const allowed = openFilesAllowed();
  if (allowed >= needed) return;
  throw new Error(
    `${sockets} subscribers need ${needed} open files in a process, and this shell allows ${allowed}. ` +
      `Raise it (ulimit -n ${needed}; for the hard limit: prlimit or limits.conf) or choose fewer with --subscribers.`,
  );
}

function openFilesAllowed(): number {
  if (process.platform !== "linux") return Infinity;
  const line = /^Max open files\s+(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
  return line?.[1] === undefined || line[1] === "unlimited" ? Infinity : Number(line[1]);
}

export function describeMachine(): string {
  const model = cpus()[0]?.model ?? "unknown processor";
  const cores = canPin ? `server on core ${serverCore}, everything else on core ${loadCore}` : "NOT PINNED to cores";
  return `${coreCount} cores (${model}), ${cores}, Node ${process.version}, ${process.platform}, load average before the run ${loadBefore.toFixed(2)}`;
}
