import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { readPageFiles, type PageFile } from "./files.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = join(root, "dist/demo");
const script = join(root, "scripts/build-demo.ts");
const buildDeadlineMs = 120_000;
const readTries = 20;
const readAgainMs = 50;

/**
 * The pages as their sources are now: built, in a process of its own, where that was not done before. Where they can not be
 * built, as they were built last. @throws Error that says why there are none
 */
export async function openBuiltPages(onFault: (fault: unknown) => void): Promise<Map<string, PageFile>> {
  const told = await build().catch((fault: unknown) => {
    onFault(fault);
    return "The demo page could not be built; the server's log says why.";
  });
  return readBuilt(told || `There is no ${folder}.`);
}

/** For a moment the folder may not be there, or not be whole: another server that starts puts its build in its place. */
async function readBuilt(otherwise: string): Promise<Map<string, PageFile>> {
  for (let triesLeft = readTries; triesLeft > 0; triesLeft--) {
    try {
      return await readPageFiles(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await setTimeout(readAgainMs);
    }
  }
  throw new Error(otherwise);
}

/** Gives what the build said; nothing where there was nothing to do. */
async function build(): Promise<string> {
  if (!(await isThere(script))) return "";
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: buildDeadlineMs });
  return stdout.trim();
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
