import { readFile, writeFile } from "node:fs/promises";

const bytesPerKib = 1_024;

/** Forgets how much memory the process has had at most. Linux only; elsewhere nothing is measured. */
export async function forgetPeak(pid: number): Promise<void> {
  if (process.platform === "linux") await writeFile(`/proc/${pid}/clear_refs`, "5");
}

/** The most memory that the process has had resident since then, in bytes; 0 where the system does not tell, or it is gone. */
export async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * bytesPerKib;
}
