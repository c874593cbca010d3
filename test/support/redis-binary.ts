import { execFile } from "node:child_process";
import { access, constants, rm, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const installDeadlineMs = 300_000;
/** While this file exists and says 101, Debian starts no service that it installs. */
const servicePolicyFile = "/usr/sbin/policy-rc.d";

let found: Promise<string> | undefined;

/**
 * The path of a `redis-server` of version 7 or newer. Installs it where that is possible; else the tests fail, they are never
 * passed over. To be called once before tests run side by side: two installations at once hinder each other.
 */
export function redisServerBinary(): Promise<string> {
  found ??= findOrInstall().then(checked);
  return found;
}

async function checked(path: string): Promise<string> {
  const { stdout } = await run(path, ["--version"]);
  const [, version] = /v=(\d+)/.exec(stdout) ?? [];
  if (Number(version) < 7) throw new Error(`The tests need redis-server 7 or newer; this is ${stdout.trim()}`);
  return path;
}

async function findOrInstall(): Promise<string> {
  const present = await onPath("redis-server");
  if (present) return present;
  if (process.getuid?.() !== 0 || !(await onPath("apt-get"))) {
    throw new Error("The tests need redis-server (7 or newer) on the PATH: install it and run them again.");
  }
  console.info("redis-server is not on the PATH: installing it with apt-get, without starting the service.");
  await installWithoutStarting();
  const installed = await onPath("redis-server");
  if (!installed) throw new Error("apt-get installed redis-server, and still it is not on the PATH.");
  return installed;
}

async function installWithoutStarting(): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = (...args: string[]) => run("apt-get", args, { env, timeout: installDeadlineMs });
  const policy = "#!/bin/sh\nexit 101\n";
  const ours = await writeFile(servicePolicyFile, policy, { mode: 0o755, flag: "wx" }).then(
    () => true,
    // There is one already: whoever wrote it decides.
    () => false,
  );
  try {
    await aptGet("update");
    await aptGet("install", "-y", "redis-server");
  } finally {
    if (ours) await rm(servicePolicyFile);
  }
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, name);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}
