import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);
const commandLimitMs = 20_000;

/** The unix account that Postgres runs as. `undefined` in its place: the account of this process. */
export interface Account {
  uid: number;
  gid: number;
}

export const isRoot = () => process.getuid?.() === 0;

/** The account `postgres`, made if there is none. For root only: Postgres refuses to run as root. */
export async function postgresAccount(log: (line: string) => void): Promise<Account> {
  const found = await findPostgresAccount();
  if (found) return found;
  const home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
  try {
    await run("useradd", ["--system", "--user-group", ...home, "postgres"], { timeout: commandLimitMs });
  } catch (cause) {
    throw new Error(
      "Postgres refuses to run as root and no user `postgres` could be made. Make one, start as another user than root, or set DATABASE_URL.",
      { cause },
    );
  }
  const made = await findPostgresAccount();
  if (!made) throw new Error("The user `postgres` was made but `id` does not find it.");
  log("Made the user `postgres`: Postgres refuses to run as root.");
  return made;
}

async function findPostgresAccount(): Promise<Account | undefined> {
  try {
    const [uid, gid] = await Promise.all(["-u", "-g"].map((option) => run("id", [option, "postgres"])));
    return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
  } catch (error) {
    // `id` answers 1 where there is no such user; anything else (no `id` at all) is a fault.
    if ((error as { code?: unknown }).code === 1) return undefined;
    throw error;
  }
}

/** Whether the account gets into the folder: tried as that account, as modes of parents, ACLs and mounts all count. */
export async function canEnter(account: Account, folder: string): Promise<boolean> {
  try {
    await run("/bin/sh", ["-c", 'cd "$1"', "sh", folder], { ...account, cwd: "/", timeout: commandLimitMs });
    return true;
  } catch (error) {
    if (typeof (error as { code?: unknown }).code === "number") return false;
    throw new Error(
      `Postgres refuses to run as root, and this root cannot run programs as another user (uid ${account.uid}). Start as another user than root, or set DATABASE_URL.`,
      { cause: error },
    );
  }
}
