// npm run cluster [-- --port PORT] [--nodes COUNT] [--folder FOLDER]
import { once } from "node:events";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { MissingPrograms } from "./cluster/programs.ts";
import { startTopology, type Topology } from "./cluster/topology.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "4000" },
    nodes: { type: "string", default: "3" },
    folder: { type: "string" },
  },
});

const say = (line: string) => void process.stdout.write(`${line}\n`);
const stopped = Promise.race(["SIGINT", "SIGTERM"].map((signal) => once(process, signal)));

try {
  const topology = await startTopology({
    port: Number(values.port),
    nodes: Number(values.nodes),
    folder: values.folder && resolve(values.folder),
    log: say,
  });
  say(welcome(topology));
  await stopped;
  say("Taking it down.");
  await topology.close();
} catch (error) {
  process.stderr.write(`${error instanceof MissingPrograms ? error.message : (error as Error).stack}\n`);
  process.exitCode = 1;
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
