import { chownSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const sqliteBusy = 5;

// A connection that is collected gives its lock up; these are kept until they are released.
const held = new Set<DatabaseSync>();

export interface DataDirLock {
  /** Idempotent. */
  release(): void;
}

/** Another process has the folder; the message names both. */
export class DataDirInUse extends Error {
  override readonly name = "DataDirInUse";
}

/**
 * Takes the folder for this process alone, or throws `DataDirInUse`. The system ends the lock with the process, however
 * it dies, and no other process can be mistaken for the holder: it is SQLite's lock on an empty file, as Node itself
 * locks none. `lock.pid` beside it is for the message only.
 */
export function lockDataDir(dataDir: string): DataDirLock {
  const lockFile = join(dataDir, "lock");
  const pidFile = join(dataDir, "lock.pid");
  let connection: DatabaseSync | undefined;
  try {
    connection = new DatabaseSync(lockFile, { timeout: 0 });
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    tellHolder({ dataDir, lockFile, pidFile });
  } catch (error) {
    connection?.close();
    throw refusal(error as Error, { dataDir, pidFile });
  }
  return heldLock(connection, pidFile);
}

function heldLock(connection: DatabaseSync, pidFile: string): DataDirLock {
  held.add(connection);
  return {
    release() {
      if (!held.delete(connection)) return;
      rmSync(pidFile, { force: true });
      connection.close();
    },
  };
}

type LockFiles = { dataDir: string; lockFile: string; pidFile: string };

function tellHolder({ dataDir, lockFile, pidFile }: LockFiles): void {
  // Whole or not at all: another start may be reading it.
  writeFileSync(`${pidFile}.new`, `${process.pid}\n`);
  renameSync(`${pidFile}.new`, pidFile);
  giveToOwnerOf(dataDir, [lockFile, pidFile]);
}

function refusal(error: Error & { errcode?: number }, { dataDir, pidFile }: Omit<LockFiles, "lockFile">): Error {
  if (error.errcode !== sqliteBusy) {
    return new Error(`The data folder ${dataDir} cannot be locked: ${error.message}.`, { cause: error });
  }
  return new DataDirInUse(
    `The data folder ${dataDir} is in use by ${holder(pidFile)}. Stop that one first, or give this one a DATA_DIR of its own.`,
  );
}

function holder(pidFile: string): string {
  try {
    return `process ${readFileSync(pidFile, "utf8").trim()}`;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return "a process that is just starting or ending";
  }
}

/** So that a start as root does not shut the owner of the folder out. */
function giveToOwnerOf(dataDir: string, files: string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(dataDir);
  for (const file of files) chownSync(file, uid, gid);
}
