import { randomUUID } from "node:crypto";
import { lstat, mkdir, readFile, readlink, realpath, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { canEnter, isRoot, postgresAccount, type Account } from "./embedded-account.ts";
import { systemFolder } from "./embedded-binaries.ts";
import { syncFolder, undefinedIfMissing } from "./embedded-files.ts";

/** The folder of a database and of what belongs to it, as a real path, and the account that runs Postgres in it. */
export interface DatabaseFolder {
  folder: string;
  cluster: string;
  password: string;
  serverLog: string;
  /** `undefined`: the account of this process. */
  account: Account | undefined;
}

// Root's own, so that whoever gets at Postgres cannot lead root's writes elsewhere; only the cluster in it is the account's.
const rootFolderMode = 0o711;

interface Options {
  dataDir: string;
  log: (line: string) => void;
}

/**
 * Finds or makes `<dataDir>/database`. For root it is a symbolic link to a folder in /var/lib/causerie where Postgres, which
 * root must run as another user, cannot enter the data folder. An existing database is never left for a new one: what
 * cannot be reached is an Error. Call it with the lock on `dataDir`, a real path.
 */
export async function placeDatabaseFolder(options: Options): Promise<DatabaseFolder> {
  const { dataDir, log } = options;
  const path = join(dataDir, "database");
  if (!(await lstat(path).catch(undefinedIfMissing))) await makeFolder(path, options);
  const folder = await realpath(path).catch(undefinedIfMissing);
  if (!folder) {
    throw new Error(
      `The database of ${dataDir} was kept in ${await readlink(path)}, which is gone. Restore it, or remove ${path} to begin with an empty database.`,
    );
  }
  const account = await accountFor(folder, log);
  if (folder !== path && (await lstat(path)).isSymbolicLink()) {
    await claim(folder, dataDir);
    log(`The database is kept in ${folder}: the user that runs Postgres cannot enter ${dataDir}.`);
  }
  return {
    folder,
    cluster: join(folder, "cluster"),
    password: join(folder, "password"),
    serverLog: join(folder, "postgres.log"),
    account,
  };
}

async function makeFolder(path: string, { dataDir, log }: Options): Promise<void> {
  if (!isRoot()) {
    await mkdir(path, { mode: 0o700 });
  } else if (await canEnter(await postgresAccount(log), dataDir)) {
    await mkdir(path, { mode: rootFolderMode });
  } else {
    const folder = join(systemFolder, randomUUID());
    await mkdir(systemFolder, { recursive: true, mode: 0o755 });
    await mkdir(folder, { mode: rootFolderMode });
    await writeFile(join(folder, "data-dir"), dataDir);
    await syncFolder(systemFolder);
    await symlink(folder, path);
  }
}

/** Whoever owns the database runs it. */
async function accountFor(folder: string, log: (line: string) => void): Promise<Account | undefined> {
  const cluster = await stat(join(folder, "cluster")).catch(undefinedIfMissing);
  const owner = cluster ?? (await stat(folder));
  if (!isRoot()) {
    if (owner.uid === process.getuid?.()) return undefined;
    throw new Error(`The database in ${folder} is of another user (uid ${owner.uid}). Start as that user or as root.`);
  }
  if (cluster?.uid === 0) throw new Error(`${folder} belongs to root, and Postgres refuses to run as root.`);
  const account = owner.uid === 0 ? await postgresAccount(log) : { uid: owner.uid, gid: owner.gid };
  if (await canEnter(account, folder)) return account;
  throw new Error(
    `The user that runs Postgres (uid ${account.uid}) cannot enter ${folder}. Give it the right to (x on every folder above), or move the data folder.`,
  );
}

/** Refuses where the data folder is a copy of another that still uses this database; follows one that was moved. */
async function claim(folder: string, dataDir: string): Promise<void> {
  const record = join(folder, "data-dir");
  const user = await readFile(record, "utf8");
  if (user === dataDir) return;
  const folderOfUser = await realpath(join(user, "database")).catch(undefinedIfMissing);
  if (folderOfUser === folder) {
    throw new Error(
      `${dataDir} is a copy of ${user}, and the two cannot share the database in ${folder}. Remove ${join(dataDir, "database")} to begin with an empty one.`,
    );
  }
  await rm(record);
  await writeFile(record, dataDir);
}
