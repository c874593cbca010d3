// Loaded into every server process with `--import`, so that each is measured alike and none needs code for it.
import { Session } from "node:inspector/promises";
import { writeFile } from "node:fs/promises";

/** Asked over IPC. */
export type ProbeRequest =
  | { ask: "usage" }
  | { ask: "collect" }
  | { ask: "startProfile" }
  | { ask: "stopProfile"; file: string };

/** Answered once to each request, in their order. */
export interface Usage {
  /** User and system time of the whole process since its start, all threads. */
  cpuMs: number;
  residentBytes: number;
  heapBytes: number;
}

let profiler: Session | undefined;

async function perform(request: ProbeRequest): Promise<void> {
  if (request.ask === "collect") {
    // The flavor for when memory runs out repeats itself until nothing more is freed, and gives empty pages back to the system. An
    // ordinary collection keeps them for later: how many is chance, and half as much again as what is in use.
    await globalThis.gc?.({ type: "major", execution: "async", flavor: "last-resort" });
  }
  if (request.ask === "startProfile") {
    profiler = new Session();
    profiler.connect();
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.start");
  }
  if (request.ask === "stopProfile" && profiler) {
    const { profile } = await profiler.post("Profiler.stop");
    profiler.disconnect();
    await writeFile(request.file, JSON.stringify(profile));
  }
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1000,
    residentBytes: process.memoryUsage.rss(),
    heapBytes: process.memoryUsage().heapUsed,
  };
}

process.on("message", (request: ProbeRequest) => {
  perform(request).then(
    () => process.send!({ usage: usage() }),
    (cause: unknown) => process.send!({ failure: String(cause) }),
  );
});
// The bench is gone, however it ended.
process.on("disconnect", () => process.exit());
// The channel alone must not keep the server alive.
process.channel?.unref();
