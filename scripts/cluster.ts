// npm run cluster [-- --port PORT] [--nodes COUNT] [--folder FOLDER]
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { MissingPrograms } from "./cluster/programs.ts";
import { startTopology, type Topology } from "./cluster/topology.ts";

/** Said as it is, without where in the program it was found. */
class UsageError extends Error {}

const say = (line: string) => void process.stdout.write(`${line}\n`);
const stopped = Promise.race(["SIGINT", "SIGTERM"].map((signal) => once(process, signal)));

try {
  const topology = await startTopology({ ...(await readOptions()), log: say });
  say(welcome(topology));
  await stopped;
  say("Taking it down.");
  await topology.close();
} catch (error) {
  const isPlain = error instanceof MissingPrograms || error instanceof UsageError;
  process.stderr.write(`${isPlain ? error.message : (error as Error).stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** @throws UsageError */
async function readOptions() {
  const { port, nodes, folder } = parsed();
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535)
    throw new UsageError("--port: a number up to 65535, 0 for any.");
  if (!/^[1-9]\d?$/.test(nodes)) throw new UsageError("--nodes: a number from 1 to 99.");
  if (folder === undefined) return { port: Number(port), nodes: Number(nodes) };
  const path = resolve(folder);
  const held = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw new UsageError(`--folder: ${error.message}`);
  });
  if (held.length > 0) throw new UsageError(`--folder: ${path} is not empty. Each start makes a new cluster.`);
  return { port: Number(port), nodes: Number(nodes), folder: path };
}

function parsed() {
  const port = { type: "string", default: "4000" } as const;
  const nodes = { type: "string", default: "3" } as const;
  try {
    return parseArgs({ options: { port, nodes, folder: { type: "string" } } }).values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\nnpm run cluster -- [--port 4000] [--nodes 3] [--folder FOLDER]`);
  }
}

function welcome({ url, nodes, folder, primary, replica, redis }: Topology): string {
  const lines = [
    "",
    `Causerie is up on ${nodes.length} nodes: ${url}`,
    ...nodes.map((node) => `  ${node.id.padEnd(9)} ${node.url}   kill -TERM ${node.pid} lets it leave`),
    `  Postgres  ${primary.url}`,
    `  replica   ${replica.url}`,
    `  Redis     ${redis.map(({ port }) => `127.0.0.1:${port}`).join(", ")}`,
    `  logs      ${folder}`,
    "Ctrl-C takes all of it down.",
  ];
  return lines.join("\n");
}
