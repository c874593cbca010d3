// What a delivery costs: Causerie beside the stock stack, mercurius, socket.io and bare ws, in one run, in turns.
import { mkdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { contestants } from "./fanout.contestants.ts";
import { readOptions, usage } from "./fanout.options.ts";
import type { FanoutOptions } from "./fanout.options.ts";
import { plan } from "./fanout.plan.ts";
import type { PlannedStage } from "./fanout.plan.ts";
import { report } from "./fanout.report.ts";
import { Results } from "./fanout.results.ts";
import { runStage } from "./fanout.stage.ts";
import type { Contestant } from "./support/contestant.ts";
import { describeMachine, pinLoad, requireOpenFiles } from "./support/machine.ts";
import { killAll } from "./support/processes.ts";

const tidyDeadlineMs = 20_000;

/** Runs the bench with these command-line arguments and prints its report. The exit code is 1 if any stage failed. */
export async function runFanout(args: string[]): Promise<void> {
  if (args.includes("--help")) {
    console.log(usage);
    return;
  }
  const interruption = stopWithThis();
  const options = readOptions(
    args,
    contestants.map(({ name }) => name),
  );
  const taking = contestants.filter(({ name }) => options.only.includes(name));
  const stages = plan(options.scenarios, options.subscribers, options.modes);
  requireOpenFiles(Math.max(...stages.map(({ subscribers }) => subscribers)));
  if (!existsSync(new URL("peers/node_modules", import.meta.url))) {
    throw new Error("The peers are not installed: npm ci --prefix bench/peers");
  }
  if (options.profileFolder) await mkdir(options.profileFolder, { recursive: true });
  pinLoad();

  const results = await runRounds({ options, stages, taking, interruption });
  console.log(`\n${describeMachine()}`);
  if (interruption.aborted) console.log("INTERRUPTED: not all rounds are in these figures.");
  console.log(
    `${options.rounds} rounds, trials of ${options.seconds} s; median (least–most) of the rounds; a ratio is the median of each round's.\n`,
  );
  console.log(
    report(
      results,
      stages,
      taking.map(({ name }) => name),
    ),
  );
  for (const failure of results.failures) console.log(`\nFAILED ${failure}`);
  if (results.failures.length > 0) process.exitCode ??= 1;
}

interface Rounds {
  options: FanoutOptions;
  stages: PlannedStage[];
  taking: Contestant[];
  interruption: AbortSignal;
}

/** What there is by the end, or by the interruption. */
async function runRounds({ options, stages, taking, interruption }: Rounds): Promise<Results> {
  const results = new Results();
  for (let round = 1; round <= options.rounds; round++) {
    for (const stage of stages) {
      const able = taking.filter(({ selects }) => selects || stage.selections === 1);
      // Each round begins with another one, so that none always has the machine as the same one left it.
      for (let turn = 0; turn < able.length; turn++) {
        const contestant = able[(turn + round - 1) % able.length]!;
        if (interruption.aborted) return results;
        await runTurn({ round, stage, contestant, options, results, interruption });
      }
    }
    // After each round: a run takes long, and whoever stops it has the figures so far.
    if (options.jsonFile) await writeFile(options.jsonFile, JSON.stringify(results, undefined, 1));
  }
  return results;
}

interface Turn {
  round: number;
  stage: PlannedStage;
  contestant: Contestant;
  options: FanoutOptions;
  results: Results;
  interruption: AbortSignal;
}

async function runTurn({ round, stage, contestant, options, results, interruption }: Turn): Promise<void> {
  const title = `round ${round}, ${stage.title}, ${contestant.name}`;
  const startMs = performance.now();
  try {
    const figures = await runStage(contestant, stage, options);
    results.add(round, { stage: stage.title, contestant: contestant.name }, figures);
    const costs = Object.entries(figures).map(([mode, { cpuSecondsPerMillion }]) =>
      cpuSecondsPerMillion === undefined ? mode : `${mode}: ${cpuSecondsPerMillion.toPrecision(3)} CPU s per million`,
    );
    console.error(`${title} (${costs.join(", ")}) in ${((performance.now() - startMs) / 1_000).toFixed(1)} s`);
  } catch (cause) {
    if (interruption.aborted) return;
    // One contestant that breaks must not cost the others their figures: the report names it and the run fails.
    results.failures.push(`${title}: ${(cause as Error).stack}`);
    console.error(`${title} FAILED: ${(cause as Error).message}`);
  }
}

/**
 * Whatever ends this process ends those that it started. The first signal ends the stage, which tidies up, and what has been
 * measured is reported; the second one, or 20 s, ends this process.
 */
function stopWithThis(): AbortSignal {
  const interruption = new AbortController();
  process.once("exit", killAll);
  const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  for (const [signal, code] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(code);
      interruption.abort();
      killAll();
      process.exitCode = code;
      setTimeout(() => process.exit(code), tidyDeadlineMs).unref();
    });
  }
  return interruption.signal;
}

if (import.meta.main) await runFanout(process.argv.slice(2));
