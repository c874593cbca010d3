/** How messages are sent in one trial, or what is measured besides. */
export type Mode = "idle" | "one" | "8" | "32" | "rate";

/** In the order in which they run on one server. */
export const modes: readonly Mode[] = ["idle", "one", "8", "32", "rate"];

export const modeTitles: Record<Mode, string> = {
  idle: "idle",
  one: "one event at a time",
  "8": "8 in flight",
  "32": "32 in flight",
  rate: "6 messages a second",
};

export const messagesPerSecond = 6;

/** One server with its subscribers, and what is tried on it. */
export interface PlannedStage {
  title: string;
  rooms: number;
  subscribers: number;
  selections: number;
  modes: Mode[];
}

export const scenarios = ["room", "rooms", "idle", "selections", "growth"] as const;
export type Scenario = (typeof scenarios)[number];

const number = new Intl.NumberFormat("en");

/** One room with so many subscribers, all alike. */
function room(subscribers: number, its: Mode[]): PlannedStage {
  return {
    title: `${number.format(subscribers)} subscribers of one room`,
    rooms: 1,
    subscribers,
    selections: 1,
    modes: its,
  };
}

const growthSizes = [10, 100, 1_000, 10_000];

/** The stages of these scenarios; two that differ in their modes only become one. */
export function plan(wanted: readonly Scenario[], sizes: readonly number[], allowed: readonly Mode[]): PlannedStage[] {
  const all: Record<Scenario, () => PlannedStage[]> = {
    room: () =>
      sizes.map((size) => room(size, size === 1_000 ? ["idle", "one", "8", "32", "rate"] : ["idle", "one", "8", "32"])),
    rooms: () => [
      { title: "1,000 rooms of 10", rooms: 1_000, subscribers: 10_000, selections: 1, modes: ["one", "8", "32"] },
    ],
    idle: () => [room(10_000, ["idle"])],
    selections: () => [
      room(5_000, ["one", "8"]),
      { ...room(5_000, ["one", "8"]), title: "5,000 subscribers of one room, 5 selections", selections: 5 },
    ],
    growth: () => growthSizes.map((size) => room(size, ["one", "8"])),
  };
  const stages = new Map<string, PlannedStage>();
  for (const stage of wanted.flatMap((scenario) => all[scenario]())) {
    const same = stages.get(stage.title);
    const both = new Set([...(same?.modes ?? []), ...stage.modes]);
    stages.set(stage.title, { ...stage, modes: modes.filter((mode) => both.has(mode) && allowed.includes(mode)) });
  }
  return [...stages.values()].filter((stage) => stage.modes.length > 0);
}
