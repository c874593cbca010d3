import { parseArgs } from "node:util";
import { modes, scenarios } from "./fanout.plan.ts";
import type { Mode, Scenario } from "./fanout.plan.ts";

export interface FanoutOptions {
  rounds: number;
  seconds: number;
  scenarios: Scenario[];
  subscribers: number[];
  modes: Mode[];
  /** Names of contestants. */
  only: string[];
  jsonFile: string | undefined;
  profileFolder: string | undefined;
}

export const usage = `npm run bench -- fanout [options]      (everything: about a quarter of an hour a round)

  --rounds N             rounds, in each of which every contestant has its turn (5)
  --seconds N            how long each trial sends (3)
  --scenarios a,b        ${scenarios.join(", ")} (all of them; with --subscribers: room)
  --subscribers a,b      sizes of the one room of the scenario "room" (100,1000,5000)
  --modes a,b            ${modes.join(", ")} (all)
  --only a,b             contestants by name (all)
  --quick                one round, trials of one second, the scenario "room" at 100 and 1,000
  --json FILE            writes every figure of every round
  --profile FOLDER       writes CPU profiles of the servers; the figures of such a run say nothing
`;

/** Throws with a message that names the option that is wrong. */
export function readOptions(args: string[], contestants: readonly string[]): FanoutOptions {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      scenarios: { type: "string" },
      subscribers: { type: "string" },
      modes: { type: "string" },
      only: { type: "string" },
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  const roomOnly = values.quick || values.subscribers !== undefined;
  return {
    rounds: positive("rounds", values.rounds ?? (values.quick ? "1" : "5")),
    seconds: positive("seconds", values.seconds ?? (values.quick ? "1" : "3")),
    scenarios: chosen("scenarios", values.scenarios, scenarios, roomOnly ? ["room"] : scenarios),
    subscribers: list(values.subscribers ?? (values.quick ? "100,1000" : "100,1000,5000")).map((text) =>
      positive("subscribers", text),
    ),
    modes: chosen("modes", values.modes, modes, modes),
    only: chosen("only", values.only, contestants, contestants),
    jsonFile: values.json,
    profileFolder: values.profile,
  };
}

function list(text: string): string[] {
  return text.split(",").map((part) => part.trim());
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${option} is a number above 0, not "${text}".`);
  return value;
}

function chosen<T extends string>(
  option: string,
  text: string | undefined,
  known: readonly T[],
  otherwise: readonly T[],
): T[] {
  if (text === undefined) return [...otherwise];
  return list(text).map((part) => {
    const found = known.find((one) => one === part);
    if (found === undefined) throw new Error(`--${option} does not know "${part}", only ${known.join(", ")}.`);
    return found;
  });
}
