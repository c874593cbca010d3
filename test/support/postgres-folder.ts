import { chmod, lstat, mkdtemp, readdir, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { undefinedIfMissing } from "../../src/database/embedded-files.ts";
import { DataDirInUse, lockDataDir, type DataDirLock } from "../../src/database/embedded-lock.ts";
import { stopLeftBehind } from "../../src/database/embedded-postmaster.ts";

const prefix = "causerie-test-";
const youngMs = 60_000;

/** A folder for the data of one test Postgres. */
export async function makeDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(tmpdir(), prefix));
  // As root the tests run Postgres as another user, who must get through.
  await chmod(dataDir, 0o711);
  return dataDir;
}

/** Removes the folder and the database in it, wherever that is kept. Its Postgres must have ended. */
export async function removeDataDir(dataDir: string): Promise<void> {
  const database = await realpath(join(dataDir, "database")).catch(undefinedIfMissing);
  if (database) await rm(database, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}

/** Removes what runs left behind that were killed, their Postgres included. */
export async function removeDeadDataDirs(): Promise<void> {
  for (const entry of await readdir(tmpdir())) {
    if (!entry.startsWith(prefix)) continue;
    const dataDir = join(tmpdir(), entry);
    const found = await lstat(dataDir).catch(undefinedIfMissing);
    if (!found?.isDirectory() || found.uid !== process.getuid?.()) continue;
    // Its maker may not have locked it yet.
    if (Date.now() - found.mtimeMs < youngMs) continue;
    await removeIfDead(dataDir);
  }
}

/** Removes the folder, its database and the Postgres that runs there; nothing where a living process has it. */
export async function removeIfDead(dataDir: string): Promise<void> {
  const lock = tryLock(dataDir);
  if (!lock) return;
  try {
    const cluster = await realpath(join(dataDir, "database", "cluster")).catch(undefinedIfMissing);
    if (cluster) await stopLeftBehind(cluster, () => undefined);
    await removeDataDir(dataDir);
  } finally {
    lock.release();
  }
}

function tryLock(dataDir: string): DataDirLock | undefined {
  try {
    return lockDataDir(dataDir);
  } catch (error) {
    if (error instanceof DataDirInUse) return undefined;
    throw error;
  }
}
