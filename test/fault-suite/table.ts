import type { FindingKind } from "./checker.ts";
import type { Trial } from "./trial.ts";

const kinds: FindingKind[] = ["lost", "doubled", "out of order", "leaked", "altered"];
const mebibyteBytes = 1024 * 1024;

/** Markdown, a line for each fault. */
export function tableOf(trials: readonly Trial[]): string {
  const head = ["Fault", "acknowledged", ...kinds, "resumed", "caught up after", "peak memory of a node"];
  const rows = trials.map((trial) => [
    trial.name,
    String(trial.acknowledged),
    ...kinds.map((kind) => String(trial.findings.filter((finding) => finding.kind === kind).length)),
    String(trial.resumed),
    `${trial.caughtUpSeconds.toFixed(1)} s`,
    `${Math.round(trial.peakBytes / mebibyteBytes)} MiB`,
  ]);
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
