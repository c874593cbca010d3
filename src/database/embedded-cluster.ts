import { execFile } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { chown, lstat, mkdir, readdir, readFile, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { findBinaries, type Binaries } from "./embedded-binaries.ts";
import { syncFolder, undefinedIfMissing } from "./embedded-files.ts";
import { placeDatabaseFolder, type DatabaseFolder } from "./embedded-folder.ts";
import { lockDataDir } from "./embedded-lock.ts";

const run = promisify(execFile);
const initLimitMs = 120_000;
const unfinishedPrefix = "cluster.unfinished-";

export const superuser = "causerie";

/** A database cluster on disk that this process alone may start. */
export interface Cluster extends DatabaseFolder {
  binaries: Binaries;
  /** The superuser's; Postgres asks for it on every connection. */
  passwordText: string;
  /** Gives the data folder up. Only once its Postgres has ended. */
  release(): void;
}

interface Options {
  dataDir: string;
  log: (line: string) => void;
  signal?: AbortSignal;
  /** Whether a new cluster is forced to disk; `false` only for what is thrown away. */
  durable?: boolean;
}

interface Making extends Options {
  place: DatabaseFolder;
  binaries: Binaries;
}

/**
 * Locks the data folder, finds or makes the cluster in it (UTF-8, sorted by code point, checksums) and says where it is.
 * Throws an Error fit for the operator's eyes, with the folder given up again.
 */
export async function openCluster(options: Options): Promise<Cluster> {
  const dataDir = await makeDataDir(options.dataDir);
  const lock = lockDataDir(dataDir);
  try {
    const place = await placeDatabaseFolder({ ...options, dataDir });
    const binaries = await findBinaries({ account: place.account, log: options.log });
    if (!(await lstat(place.cluster).catch(undefinedIfMissing))) await makeCluster({ ...options, place, binaries });
    const passwordText = (await readFile(place.password, "utf8")).trim();
    return { ...place, binaries, passwordText, release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function makeDataDir(path: string): Promise<string> {
  try {
    await makeFolder(path);
    return await realpath(path);
  } catch (cause) {
    throw new Error(`The data folder cannot be made: ${(cause as Error).message}. Set DATA_DIR to another.`, { cause });
  }
}

/** With those above it. Node's own `recursive` never comes back where the one above takes none, as /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await isMade(path)) return;
  await makeFolder(dirname(path));
  if (!(await isMade(path))) throw new Error(`${dirname(path)} takes no folders`);
}

/** False where the folder above is missing. Somebody else may make the same folder at the same time. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return true;
    throw cause;
  }
}

/** Under its name only once it is whole: a start that dies before leaves nothing that looks like a database. */
async function makeCluster(options: Making): Promise<void> {
  const { place, durable = true } = options;
  options.log(`Making the database in ${place.folder} (once).`);
  await removeUnfinished(place.folder);
  const unfinished = join(place.folder, `${unfinishedPrefix}${randomUUID()}`);
  const passwordFile = `${unfinished}.password`;
  const passwordText = `${randomBytes(24).toString("base64url")}\n`;
  try {
    await writeFile(place.password, passwordText, { mode: 0o600, flush: durable });
    await writeFile(passwordFile, passwordText, { mode: 0o600 });
    await mkdir(unfinished, { mode: 0o700 });
    if (place.account) {
      const { uid, gid } = place.account;
      await Promise.all([passwordFile, unfinished].map((path) => chown(path, uid, gid)));
    }
    await initdb({ ...options, durable, unfinished, passwordFile });
    await rename(unfinished, place.cluster);
    await syncFolder(place.folder);
    await syncFolder(options.dataDir);
  } finally {
    await removeUnfinished(place.folder);
  }
}

async function removeUnfinished(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(unfinishedPrefix));
  // An initdb of a killed start may still be writing into one.
  await Promise.all(names.map((name) => rm(join(folder, name), { recursive: true, force: true, maxRetries: 5 })));
}

async function initdb(options: Making & { unfinished: string; passwordFile: string }): Promise<void> {
  const { binaries, place, unfinished, passwordFile, signal } = options;
  const locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"];
  const access = [`--username=${superuser}`, `--pwfile=${passwordFile}`, "--auth=scram-sha-256"];
  const more = ["--no-instructions", ...(options.durable ? [] : ["--no-sync"])];
  try {
    await run(binaries.initdb, ["-D", unfinished, ...locale, ...access, ...more], {
      ...place.account,
      cwd: "/",
      // Nothing of this process' environment: PGDATA and its like would have a say.
      env: { LC_ALL: "C", TZ: "UTC" },
      timeout: initLimitMs,
      signal,
    });
  } catch (error) {
    signal?.throwIfAborted();
    const said = ((error as { stderr?: string }).stderr ?? "").trim() || (error as Error).message;
    const hint = said.includes("could not look up effective user")
      ? ". Postgres needs an entry in /etc/passwd for the user that makes its database: add one, or set DATABASE_URL."
      : "";
    throw new Error(`The database in ${place.folder} could not be made: ${said}${hint}`, { cause: error });
  }
}
