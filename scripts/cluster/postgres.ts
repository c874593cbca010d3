import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";
import { isRoot, postgresAccount, type Account } from "../../src/database/embedded-account.ts";
import { freePort } from "./free-port.ts";
import { startProcess, type ManagedProcess } from "./managed-process.ts";
import type { Programs } from "./programs.ts";

const run = promisify(execFile);
const commandLimitMs = 120_000;
const user = "causerie";
const answerWithinMs = 3_000;

export interface PostgresProcess extends ManagedProcess {
  /** Of the superuser. */
  readonly url: string;
}

/** A primary and what streams from it. */
export interface PostgresPair {
  readonly primary: PostgresProcess;
  readonly replica: PostgresProcess;
}

export interface PostgresOptions {
  /** An existing folder that the account which Postgres runs as can enter. */
  readonly folder: string;
  readonly programs: Programs;
  /** False: nothing is forced to disk, for what is thrown away. */
  readonly durable: boolean;
}

interface Setup extends PostgresOptions {
  readonly account: Account | undefined;
  readonly password: string;
}

/** Makes a primary and a streaming replica of it, on 127.0.0.1. Both serve when it comes back. */
export async function startPostgresPair(options: PostgresOptions): Promise<PostgresPair> {
  // Postgres refuses to run as root.
  const account = isRoot() ? await postgresAccount(() => undefined) : undefined;
  const setup = { ...options, account, password: randomBytes(18).toString("base64url") };
  await makePrimary(setup);
  const primary = await serve(setup, "primary");
  await copyPrimary(setup, primary.port);
  return { primary, replica: await serve(setup, "replica") };
}

type Role = "primary" | "replica";

const dataOf = ({ folder }: Setup, role: Role) => join(folder, `postgres-${role}`);

async function makePrimary(setup: Setup): Promise<void> {
  const data = await makeDataFolder(setup, "primary");
  const passwordFile = join(setup.folder, "postgres-password");
  await writeFile(passwordFile, `${setup.password}\n`, { mode: 0o600 });
  if (setup.account) await chown(passwordFile, setup.account.uid, setup.account.gid);
  const access = [`--username=${user}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const more = ["--encoding=UTF8", "--locale=C.UTF-8", ...(setup.durable ? [] : ["--no-sync"])];
  await command(setup, setup.programs.initdb, ["-D", data, ...access, ...more]);
}

/** `-R` leaves behind where the replica streams from. */
async function copyPrimary(setup: Setup, primaryPort: number): Promise<void> {
  const data = await makeDataFolder(setup, "replica");
  const from = `host=127.0.0.1 port=${primaryPort} user=${user} password=${setup.password} application_name=replica`;
  await command(setup, setup.programs.pgBasebackup, ["-D", data, "-R", "-X", "stream", "-c", "fast", "-d", from]);
}

async function makeDataFolder(setup: Setup, role: Role): Promise<string> {
  const data = dataOf(setup, role);
  await mkdir(data, { mode: 0o700 });
  if (setup.account) await chown(data, setup.account.uid, setup.account.gid);
  return data;
}

async function command({ account }: Setup, program: string, words: string[]): Promise<void> {
  await run(program, words, { ...account, cwd: "/", env: { LC_ALL: "C", TZ: "UTC" }, timeout: commandLimitMs });
}

async function serve(setup: Setup, role: Role): Promise<PostgresProcess> {
  const port = await freePort();
  const settings: Record<string, string | number> = {
    listen_addresses: "127.0.0.1",
    port,
    unix_socket_directories: "",
    timezone: "UTC",
    // The same for both: a replica refuses to run with less than its primary has.
    max_connections: 200,
    // What a replica that was away for a while has to be given.
    wal_keep_size: "256MB",
    ...(!setup.durable && { fsync: "off", full_page_writes: "off" }),
  };
  const words = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const url = `postgresql://${user}:${setup.password}@127.0.0.1:${port}/postgres`;
  const started = await startProcess({
    name: `postgres-${role}`,
    port,
    command: [setup.programs.postgres, "-D", dataOf(setup, role), ...words],
    env: { LC_ALL: "C", TZ: "UTC" },
    account: setup.account,
    logFile: join(setup.folder, `postgres-${role}.log`),
    // Fast shutdown: sessions are ended, nothing is lost.
    stopSignal: "SIGINT",
    isReady: () => answers(url),
  });
  return Object.assign(started, { url });
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: answerWithinMs });
  // A server that goes away meanwhile is told by the query.
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } finally {
    await client.end();
  }
}
