import { join } from "node:path";
import { startRedis } from "../test/support/redis-server.ts";
import { messagesPerSecond } from "./fanout.plan.ts";
import type { Mode, PlannedStage } from "./fanout.plan.ts";
import { Audience } from "./support/audience.ts";
import type { Contestant, RunningContestant } from "./support/contestant.ts";
import { closedLoop, fixedRate } from "./support/trial.ts";
import type { LatencyFigures, TrialFigures } from "./support/trial.ts";

export interface IdleFigures {
  bytesPerSubscriber: number;
}
export type Figures = Partial<TrialFigures & LatencyFigures & IdleFigures>;
export type StageFigures = Partial<Record<Mode, Figures>>;

export interface StageOptions {
  /** How long each trial sends. */
  seconds: number;
  /** A folder for CPU profiles of the server. They make it slower: the figures of such a run say nothing. */
  profileFolder: string | undefined;
}

/** Tries each mode in turn, the idle one with subscribers of its own. Throws when anything goes wrong. */
export async function runStage(
  contestant: Contestant,
  stage: PlannedStage,
  options: StageOptions,
): Promise<StageFigures> {
  const busy = stage.modes.filter((mode) => mode !== "idle");
  // Not before the others in the same process: the collection leaves it without the memory that it had grown into.
  const idle = stage.modes.length > busy.length ? await tryIdle(contestant, stage) : null;
  return { ...(idle && { idle }), ...(busy.length > 0 && (await tryBusy(contestant, stage, busy, options))) };
}

async function tryIdle(contestant: Contestant, stage: PlannedStage): Promise<IdleFigures> {
  await using redis = await startRedis();
  await using running = await contestant.start({ redisUrl: redis.url, ...stage });
  const before = await running.server.usageAfterCollection();
  using _ = await Audience.open({ contestant: running, ...stage });
  const after = await running.server.usageAfterCollection();
  return { bytesPerSubscriber: (after.residentBytes - before.residentBytes) / stage.subscribers };
}

async function tryBusy(
  contestant: Contestant,
  stage: PlannedStage,
  modes: Mode[],
  options: StageOptions,
): Promise<StageFigures> {
  await using redis = await startRedis();
  await using running = await contestant.start({ redisUrl: redis.url, ...stage });
  using audience = await Audience.open({ contestant: running, ...stage });
  await closedLoop({ audience, server: running.server, seconds: options.seconds / 2 }, 8);
  const figures: StageFigures = {};
  for (const mode of modes) {
    const profile = options.profileFolder && join(options.profileFolder, fileName(contestant, stage, mode));
    figures[mode] = await profiled(running, profile, () => tryMode(mode, audience, running, options.seconds));
  }
  return figures;
}

function tryMode(mode: Mode, audience: Audience, { server }: RunningContestant, seconds: number): Promise<Figures> {
  if (mode === "rate") return fixedRate({ audience, server, seconds: seconds * 4 }, messagesPerSecond);
  return closedLoop({ audience, server, seconds }, mode === "one" ? 1 : Number(mode));
}

async function profiled<T>({ server }: RunningContestant, file: string | undefined, run: () => Promise<T>): Promise<T> {
  if (!file) return run();
  await server.startProfile();
  try {
    return await run();
  } finally {
    await server.stopProfile(file);
  }
}

function fileName(contestant: Contestant, stage: PlannedStage, mode: Mode): string {
  return `${contestant.name} ${stage.title} ${mode}`.replaceAll(/[^a-z0-9]+/gi, "-") + ".cpuprofile";
}
