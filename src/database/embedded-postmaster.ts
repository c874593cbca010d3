import { execFile } from "node:child_process";
import { readFile, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { undefinedIfMissing } from "./embedded-files.ts";

const run = promisify(execFile);
const pollMs = 25;

/** `fast` ends sessions and writes everything out; `immediate` leaves the rest to recovery at the next start. Neither loses a commit. */
export type StopMode = "fast" | "immediate";

const escalation = [
  { signal: "SIGINT", limitMs: 20_000 },
  { signal: "SIGQUIT", limitMs: 5_000 },
  { signal: "SIGKILL", limitMs: 5_000 },
] as const;

/** Stops a postmaster, ever harder until `endedWithin` says that it is gone. Throws after 30 s. */
export async function stopPostmaster(options: {
  pid: number;
  mode: StopMode;
  endedWithin: (limitMs: number) => Promise<boolean>;
}): Promise<void> {
  for (const { signal, limitMs } of options.mode === "fast" ? escalation : escalation.slice(1)) {
    sendSignal(options.pid, signal);
    if (await options.endedWithin(limitMs)) return;
  }
  throw new Error(`Postgres (process ${options.pid}) does not end, not even by SIGKILL.`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself meanwhile.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * Stops the Postgres of a cluster whose owner died, if there is one, and removes its pid file. Only for the holder of the
 * lock on the data folder. The number in the file is trusted only where that process is the postmaster of this very cluster:
 * systems use numbers again.
 */
export async function stopLeftBehind(cluster: string, log: (line: string) => void): Promise<void> {
  const pidFile = join(cluster, "postmaster.pid");
  const text = await readFile(pidFile, "utf8").catch(undefinedIfMissing);
  if (text === undefined) return;
  const pid = Number.parseInt(text, 10);
  if (await isPostmasterOf(pid, cluster)) {
    log(`Stopping the Postgres (process ${pid}) that an earlier start left behind.`);
    await stopPostmaster({
      pid,
      mode: "fast",
      endedWithin: async (limitMs) => {
        const end = performance.now() + limitMs;
        while (await isPostmasterOf(pid, cluster)) {
          if (performance.now() > end) return false;
          await delay(pollMs);
        }
        return true;
      },
    });
  }
  await rm(pidFile, { force: true });
}

/** Whether that process is the postmaster of that cluster (not one of its children, nor a zombie). */
export async function isPostmasterOf(pid: number, cluster: string): Promise<boolean> {
  if (!Number.isSafeInteger(pid) || pid <= 1) return false;
  if (process.platform !== "linux") return (await commandLine(pid)).includes(` -D ${cluster} `);
  const [program, ...options] = (await readProc(pid, "cmdline")).split("\0");
  // Its children call themselves "postgres: checkpointer" and the like.
  if (!program || basename(program) !== "postgres") return false;
  return options[options.indexOf("-D") + 1] === cluster || (await worksIn(pid, cluster));
}

async function commandLine(pid: number): Promise<string> {
  try {
    return (await run("ps", ["-ww", "-o", "command=", "-p", String(pid)])).stdout;
  } catch (error) {
    if ((error as { code?: unknown }).code === 1) return "";
    throw error;
  }
}

async function readProc(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, "utf8").catch((error: NodeJS.ErrnoException) => {
    // ESRCH: it ended between open and read.
    if (error.code === "ENOENT" || error.code === "ESRCH") return "";
    throw error;
  });
}

/** A postmaster works in its cluster's folder, also after the folder was moved. */
async function worksIn(pid: number, cluster: string): Promise<boolean> {
  try {
    const [there, here] = await Promise.all([stat(`/proc/${pid}/cwd/`), stat(cluster)]);
    return there.ino === here.ino && there.dev === here.dev;
  } catch (error) {
    // Of another user, so not the owner of this cluster; or in a container that hides it, and then the command line decides.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES" || code === "EPERM" || code === "ENOENT" || code === "ESRCH") return false;
    throw error;
  }
}
