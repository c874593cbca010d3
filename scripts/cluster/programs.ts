import { access, constants, readdir } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The paths of what the topology runs besides Node. */
export interface Programs {
  readonly nginx: string;
  readonly redisServer: string;
  readonly redisCli: string;
  readonly postgres: string;
  readonly initdb: string;
  readonly pgBasebackup: string;
}

/** Debian keeps nginx and most of Postgres off the `PATH`. */
const systemFolders = ["/usr/sbin", "/usr/local/sbin"];
const debianPostgres = "/usr/lib/postgresql";

const wanted: Readonly<Record<keyof Programs, { name: string; package: string }>> = {
  nginx: { name: "nginx", package: "nginx" },
  redisServer: { name: "redis-server", package: "redis-server" },
  redisCli: { name: "redis-cli", package: "redis-tools" },
  postgres: { name: "postgres", package: "postgresql" },
  initdb: { name: "initdb", package: "postgresql" },
  pgBasebackup: { name: "pg_basebackup", package: "postgresql" },
};

/** Says which programs are missing and how to install them. */
export class MissingPrograms extends Error {
  override readonly name = "MissingPrograms";
  /** Debian's, without version. */
  readonly packages: readonly string[];

  constructor(missing: readonly { name: string; package: string }[]) {
    const packages = [...new Set(missing.map((each) => each.package))];
    super(
      `Not found on the PATH: ${missing.map(({ name }) => name).join(", ")}. ` +
        `Debian and Ubuntu: apt-get install ${packages.join(" ")}. macOS: brew install nginx redis postgresql`,
    );
    this.packages = packages;
  }
}

/** On the `PATH`, or where Debian has them. @throws MissingPrograms */
export async function findPrograms(): Promise<Programs> {
  const folders = [...(process.env.PATH ?? "").split(delimiter), ...systemFolders];
  // One version for all of Postgres: a replica must be of its primary's.
  const postgresFolders = [...(await debianPostgresFolders()), ...folders];
  const found: Partial<Record<keyof Programs, string>> = {};
  const missing: { name: string; package: string }[] = [];
  for (const [key, program] of Object.entries(wanted) as [keyof Programs, (typeof wanted)[keyof Programs]][]) {
    const path = await findIn(program.package === "postgresql" ? postgresFolders : folders, program.name);
    if (path === undefined) missing.push(program);
    else found[key] = path;
  }
  if (missing.length > 0) throw new MissingPrograms(missing);
  return found as Programs;
}

/** The newest first. */
async function debianPostgresFolders(): Promise<string[]> {
  const versions = await readdir(debianPostgres).catch(() => []);
  return versions.sort((a, b) => Number(b) - Number(a)).map((version) => join(debianPostgres, version, "bin"));
}

/** The path of a program in the first of these folders that has it. */
export async function findIn(folders: readonly string[], name: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}
