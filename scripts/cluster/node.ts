import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startProcess, type ManagedProcess } from "./managed-process.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const answerWithinMs = 2_000;

export interface NodeProcess extends ManagedProcess {
  /** Its `NODE_ID`. */
  readonly id: string;
  /** Its own address, past nginx; without a slash at its end. */
  readonly url: string;
}

export interface NodeOptions {
  readonly folder: string;
  readonly id: string;
  readonly port: number;
  /** Beside where it listens, its name and its log level; what is given here wins. */
  readonly env: NodeJS.ProcessEnv;
}

/** A node of Causerie, ready for clients when it comes back. */
export async function startNode({ folder, id, port, env }: NodeOptions): Promise<NodeProcess> {
  const url = `http://127.0.0.1:${port}`;
  const started = await startProcess({
    name: id,
    port,
    command: [process.execPath, main],
    env: {
      PATH: process.env.PATH,
      HOST: "127.0.0.1",
      PORT: String(port),
      NODE_ID: id,
      DATA_DIR: join(folder, "data"),
      LOG_LEVEL: "warn",
      ...env,
    },
    logFile: join(folder, `${id}.log`),
    isReady: async () => (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerWithinMs) })).ok,
  });
  return Object.assign(started, { id, url });
}
