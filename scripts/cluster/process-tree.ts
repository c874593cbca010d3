import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

type PidAndParent = [pid: number, parent: number];

/** The process ids of a process' children, not of theirs. */
export async function childrenOf(parent: number): Promise<number[]> {
  const pairs = process.platform === "linux" ? await readParents() : await askParents();
  return pairs.filter(([, ppid]) => ppid === parent).map(([pid]) => pid);
}

/** Slim Linux images have no `ps`. */
async function readParents(): Promise<PidAndParent[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.allSettled(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8")));
  return stats
    .filter((read) => read.status === "fulfilled")
    .map(({ value }) => {
      // "pid (name) state parent …", where the name may hold spaces and brackets.
      const [, parent] = value.slice(value.lastIndexOf(")") + 2).split(" ");
      return [Number.parseInt(value, 10), Number(parent)];
    });
}

async function askParents(): Promise<PidAndParent[]> {
  const { stdout } = await promisify(execFile)("ps", ["-A", "-o", "pid=,ppid="]);
  return stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as PidAndParent);
}
