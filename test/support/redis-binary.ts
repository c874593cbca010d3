import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { canInstallPackages, installPackages, onPath } from "./debian-package.ts";

const run = promisify(execFile);

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
  if (!(await canInstallPackages())) {
    throw new Error("The tests need redis-server (7 or newer) on the PATH: install it and run them again.");
  }
  console.info("redis-server is not on the PATH: installing it with apt-get, without starting the service.");
  await installPackages("redis-server");
  const installed = await onPath("redis-server");
  if (!installed) throw new Error("apt-get installed redis-server, and still it is not on the PATH.");
  return installed;
}
