import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { startApp } from "./app.ts";
import { ConfigError, readConfig, type Config } from "./config.ts";
import { createLog } from "./server-log.ts";

const usage = `What an operator can do about a user, with the settings of the server:

  npm run operator -- revoke USER            ends all of the user's connections, on all nodes
  npm run operator -- export USER > FILE     writes what is kept of the user, as JSON lines
  npm run operator -- erase USER             erases it

Asks the server that runs at HOST and PORT, which must have OPERATOR_TOKEN; where none runs, does it by itself.
`;
const actions = ["revoke", "export", "erase"];

/** Where operators have no door, the error is what any path has that is not there. */
type Line = { error?: { code: string; message: string } | string };

// Whoever reads what is exported has seen enough.
process.stdout.on("error", () => process.exit(1));

try {
  const [action = "", userId = "", ...more] = process.argv.slice(2);
  if (!actions.includes(action) || userId === "" || more.length > 0) {
    process.stderr.write(usage);
    process.exitCode = 2;
  } else await run(readConfig(), { action, userId });
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.problems.join("\n") : (error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}

async function run(config: Config, asked: { action: string; userId: string }): Promise<void> {
  const running = await urlOfRunning(config);
  if (running !== null) {
    if (config.operatorToken === null) throw new Error("OPERATOR_TOKEN: must be set, here and for the server.");
    return ask({ url: running, token: config.operatorToken, ...asked });
  }
  const token = config.operatorToken ?? randomBytes(32).toString("hex");
  const log = createLog("warn", process.stderr);
  // Nobody is to be sent here, and no node is to take what it says for its own.
  const own = { nodeId: `operator-${randomBytes(5).toString("hex")}`, publicUrl: null, port: 0, host: "127.0.0.1" };
  await using app = await startApp({ ...config, ...own, operatorToken: token }, { log });
  await ask({ url: app.url, token, ...asked });
}

/** Null where nothing listens. */
async function urlOfRunning({ host, port }: Config): Promise<string | null> {
  const reachable = ["0.0.0.0", "::"].includes(host) ? "127.0.0.1" : host;
  const url = `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
  if (port === 0) return null;
  try {
    await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) });
    return url;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    if (cause?.code === "ECONNREFUSED") return null;
    throw new Error(`The server at ${url} does not answer.`, { cause: error });
  }
}

/** What was asked for goes to the standard output, how far it has come to the other. */
async function ask(use: { url: string; token: string; action: string; userId: string }): Promise<void> {
  const response = await fetch(`${use.url}/operator/${use.action}`, {
    method: "POST",
    headers: { authorization: `Bearer ${use.token}`, "content-type": "application/json" },
    body: JSON.stringify({ userId: use.userId }),
  });
  for await (const text of createInterface({ input: Readable.fromWeb(response.body! as never) })) {
    const line = JSON.parse(text) as Line;
    if (typeof line.error === "string")
      throw new Error("The server takes no operators' calls: it has no OPERATOR_TOKEN.");
    if (line.error) throw new Error(`${line.error.code}: ${line.error.message}`);
    const output = use.action === "export" ? process.stdout : process.stderr;
    if (!output.write(`${text}\n`)) await new Promise((resolve) => output.once("drain", resolve));
  }
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
}
