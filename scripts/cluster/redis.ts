import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { freePort } from "./free-port.ts";
import { startProcess, type ManagedProcess } from "./managed-process.ts";
import type { Programs } from "./programs.ts";

const run = promisify(execFile);
const commandLimitMs = 30_000;
const wholeWithinMs = 30_000;
const askEveryMs = 50;

export interface RedisCluster {
  /** In the order of their slots. Each keeps nothing but its place in the cluster. */
  readonly masters: readonly ManagedProcess[];
  /** `redis+cluster://`, naming all of them. */
  readonly url: string;
}

export interface RedisOptions {
  readonly folder: string;
  readonly programs: Programs;
  readonly masters: number;
}

/** A Redis Cluster on 127.0.0.1 in which every master knows all the others when it comes back. */
export async function startRedisCluster(options: RedisOptions): Promise<RedisCluster> {
  const redis = (port: number, ...words: string[]) => ask(options.programs.redisCli, port, words);
  const started = await Promise.all(Array.from({ length: options.masters }, (_, index) => startMaster(options, index)));
  const addresses = started.map(({ port }) => `127.0.0.1:${port}`);
  const words = started.map(({ port, busPort }) => `127.0.0.1:${port}@${busPort}`);
  await run(options.programs.redisCli, ["--cluster", "create", ...words, "--cluster-yes"], { timeout: commandLimitMs });
  const deadline = performance.now() + wholeWithinMs;
  for (const { port } of started) {
    while (!(await redis(port, "cluster", "info")).includes("cluster_state:ok")) {
      if (performance.now() > deadline) throw new Error("The Redis Cluster did not become whole.");
      await delay(askEveryMs);
    }
  }
  return { masters: started.map(({ process }) => process), url: `redis+cluster://${addresses.join(",")}` };
}

async function startMaster({ folder, programs }: RedisOptions, index: number) {
  const name = `redis-${index + 1}`;
  const [port, busPort] = [await freePort(), await freePort()];
  const data = join(folder, name);
  await mkdir(data);
  const settings: Record<string, string | number> = {
    bind: "127.0.0.1",
    port,
    "cluster-port": busPort,
    dir: data,
    // It is a hint between nodes and who is here: after a loss everything is written again.
    save: "",
    appendonly: "no",
    "cluster-enabled": "yes",
    "cluster-node-timeout": 2_000,
    // A master that is away takes its own slots along and no others.
    "cluster-require-full-coverage": "no",
  };
  const process = await startProcess({
    name,
    port,
    command: [
      programs.redisServer,
      ...Object.entries(settings).flatMap(([setting, value]) => [`--${setting}`, String(value)]),
    ],
    logFile: join(folder, `${name}.log`),
    isReady: async () => (await ask(programs.redisCli, port, ["ping"])).trim() === "PONG",
  });
  return { process, port, busPort };
}

async function ask(redisCli: string, port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await run(redisCli, ["-p", String(port), ...words], { timeout: commandLimitMs });
  return stdout;
}
