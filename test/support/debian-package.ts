import { execFile } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { delimiter } from "node:path";
import { promisify } from "node:util";
import { findIn } from "../../scripts/cluster/programs.ts";

const run = promisify(execFile);
const installDeadlineMs = 300_000;
/** `apt-get` itself does not wait for another that fetches the lists of packages. */
const lockFile = "/tmp/causerie-packages.lock";
/** While this file exists and says 101, Debian starts no service that it installs. */
const servicePolicyFile = "/usr/sbin/policy-rc.d";

/** The path of a program, undefined where it is not on the `PATH`. */
export const onPath = (name: string) => findIn((process.env.PATH ?? "").split(delimiter), name);

/** Whether `installPackages` can work here: on Debian and its kin, as root. */
export async function canInstallPackages(): Promise<boolean> {
  return process.getuid?.() === 0 && (await onPath("apt-get")) !== undefined;
}

/** Starts none of the services in them. Waits for other installations, those of tests that run at the same time. */
export async function installPackages(...names: string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = (...args: string[]) =>
    run("flock", [lockFile, "apt-get", "-o", "DPkg::Lock::Timeout=120", ...args], { env, timeout: installDeadlineMs });
  await aptGet("update");
  await withoutServices(() => aptGet("install", "-y", "--no-install-recommends", ...names));
}

async function withoutServices(install: () => Promise<unknown>): Promise<void> {
  const policy = "#!/bin/sh\nexit 101\n";
  const ours = await writeFile(servicePolicyFile, policy, { mode: 0o755, flag: "wx" }).then(
    () => true,
    // There is one already: whoever wrote it decides.
    () => false,
  );
  try {
    await install();
  } finally {
    if (ours) await rm(servicePolicyFile);
  }
}
