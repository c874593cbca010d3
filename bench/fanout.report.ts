import { limitName, stockName } from "./fanout.contestants.ts";
import { modeTitles } from "./fanout.plan.ts";
import type { Mode, PlannedStage } from "./fanout.plan.ts";
import type { Figure, Place, Results, Spread } from "./fanout.results.ts";

interface Column {
  title: string;
  cell(results: Results, place: Place): string;
}

const cpu = plain("CPU s per million", "cpuSecondsPerMillion", (value) => value.toPrecision(3));
const perSecond = plain("deliveries/s", "deliveriesPerSecond", (value) => Math.round(value).toLocaleString("en"));
const percent = (value: number) => `${Math.round(value * 100)} %`;

const trafficColumns: Column[] = [
  cpu,
  against(limitName, "cpuSecondsPerMillion"),
  against(stockName, "cpuSecondsPerMillion"),
  perSecond,
  against(limitName, "deliveriesPerSecond"),
  against(stockName, "deliveriesPerSecond"),
  middle("server core", "serverBusy", percent),
  middle("load core", "loadBusy", percent),
  middle("B/frame", "bytesPerFrame", (value) => String(Math.round(value))),
];
const latencyColumns: Column[] = [
  plain("p50 ms", "p50Ms", (value) => value.toFixed(2)),
  against(limitName, "p50Ms"),
  plain("p99 ms", "p99Ms", (value) => value.toFixed(2)),
  against(limitName, "p99Ms"),
  against(stockName, "p99Ms"),
  cpu,
];
const idleColumns: Column[] = [
  plain("KiB per subscriber", "bytesPerSubscriber", (value) => (value / 1024).toFixed(1)),
  against(limitName, "bytesPerSubscriber"),
  against(stockName, "bytesPerSubscriber"),
];

/** The tables of one run as text (Markdown). */
export function report(results: Results, stages: readonly PlannedStage[], names: readonly string[]): string {
  const tables = stages.flatMap((stage) => stage.modes.map((mode) => modeTable(results, stage, mode, names)));
  const summaries = [growthTable(results, stages, names), selectionsTable(results, stages, names)];
  return [...tables, ...summaries].filter((text) => text !== "").join("\n\n");
}

function modeTable(results: Results, stage: PlannedStage, mode: Mode, names: readonly string[]): string {
  const columns = mode === "idle" ? idleColumns : mode === "rate" ? latencyColumns : trafficColumns;
  const places = names.map((contestant) => ({ stage: stage.title, mode, contestant }));
  const rows = places.filter((place) => results.has(place));
  if (rows.length === 0) return "";
  const cells = rows.map((place) => [place.contestant, ...columns.map((column) => column.cell(results, place))]);
  return table(`${stage.title}, ${modeTitles[mode]}`, ["", ...columns.map(({ title }) => title)], cells);
}

/** What a delivery costs as the room grows, and how that compares with a room of 100. */
function growthTable(results: Results, stages: readonly PlannedStage[], names: readonly string[]): string {
  const growing = stages
    .filter(({ rooms, selections, modes }) => rooms === 1 && selections === 1 && modes.includes("8"))
    .sort((one, other) => one.subscribers - other.subscribers);
  const base = growing.find(({ subscribers }) => subscribers === 100);
  if (!base || growing.length < 2) return "";
  const larger = growing.filter(({ subscribers }) => subscribers > base.subscribers);
  const cells = names.map((contestant) => {
    const place = (stage: PlannedStage): Place => ({ stage: stage.title, mode: "8", contestant });
    const ratios = larger.map((stage) => results.ratio(place(stage), place(base), "cpuSecondsPerMillion"));
    return [
      contestant,
      ...growing.map((stage) => cpu.cell(results, place(stage))),
      ...ratios.map((ratio) => spreadText(ratio, ratioText)),
    ];
  });
  const size = ({ subscribers }: PlannedStage) => subscribers.toLocaleString("en");
  const titles = ["", ...growing.map(size), ...larger.map((stage) => `${size(stage)} : 100`)];
  return table("Growth: CPU s per million deliveries, 8 in flight, by subscribers of the room", titles, cells);
}

/** What it costs that subscribers differ in what they select. */
function selectionsTable(results: Results, stages: readonly PlannedStage[], names: readonly string[]): string {
  const many = stages.find(({ selections }) => selections > 1);
  const alike =
    many &&
    stages.find((stage) => stage.selections === 1 && stage.rooms === 1 && stage.subscribers === many.subscribers);
  if (!many || !alike) return "";
  const cells = names.map((contestant) => [
    contestant,
    ...many.modes.map((mode) => {
      const [place, to] = [many, alike].map(({ title }) => ({ stage: title, mode, contestant })) as [Place, Place];
      return spreadText(results.ratio(place, to, "cpuSecondsPerMillion"), ratioText);
    }),
  ]);
  const rows = cells.filter((row) => row.slice(1).some((cell) => cell !== ""));
  return table(
    "CPU per delivery with 5 selections : with one",
    ["", ...many.modes.map((mode) => modeTitles[mode])],
    rows,
  );
}

function plain(title: string, figure: Figure, text: (value: number) => string): Column {
  return { title, cell: (results, place) => spreadText(results.spread(place, figure), text) };
}

function middle(title: string, figure: Figure, text: (value: number) => string): Column {
  return {
    title,
    cell(results, place) {
      const spread = results.spread(place, figure);
      return spread ? text(spread.median) : "";
    },
  };
}

function against(contestant: string, figure: Figure): Column {
  return {
    title: `: ${contestant}`,
    cell: (results, place) => spreadText(results.ratio(place, { ...place, contestant }, figure), ratioText),
  };
}

function ratioText(value: number): string {
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function spreadText(spread: Spread | undefined, text: (value: number) => string): string {
  if (!spread) return "";
  const [least, most] = [text(spread.least), text(spread.most)];
  return least === most ? text(spread.median) : `${text(spread.median)} (${least}–${most})`;
}

function table(title: string, head: string[], rows: string[][]): string {
  const widths = head.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? "-".repeat(width || 1) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [`### ${title}`, "", line(head), rule, ...rows.map(line)].join("\n");
}
