import { readFile } from "node:fs/promises";

const lookEveryMs = 100;
const bytesPerKib = 1_024;

/** Looks again and again how much memory these processes have resident. */
export class MemoryWatch implements Disposable {
  /** The most that one of them had, in bytes; 0 where the system does not tell (it is not Linux). */
  peakBytes = 0;
  readonly #pids: () => readonly number[];
  readonly #timer: NodeJS.Timeout;

  /** `pids` is asked each time: another process may have taken its place. */
  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
    this.#timer = setInterval(() => void this.#look(), lookEveryMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #look() {
    const sizes = await Promise.all(this.#pids().map(residentBytes));
    this.peakBytes = Math.max(this.peakBytes, ...sizes);
  }
}

async function residentBytes(pid: number): Promise<number> {
  // It may be gone.
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * bytesPerKib;
}
