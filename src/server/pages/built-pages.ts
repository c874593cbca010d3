import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readPageFiles, type PageFile } from "./files.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = join(root, "dist/demo");
const script = join(root, "scripts/build-demo.ts");
const buildDeadlineMs = 120_000;

/**
 * The pages as their sources are now: built, in a process of its own, where that was not done before. Where they can not be
 * built, as they were built last. @throws Error that says why there are none
 */
export async function openBuiltPages(onFault: (fault: unknown) => void): Promise<Map<string, PageFile>> {
  const told = await build().catch((fault: unknown) => {
    onFault(fault);
    return "The demo page could not be built; the server's log says why.";
  });
  if (!(await isThere(folder))) throw new Error(told || `There is no ${folder}.`);
  return readPageFiles(folder);
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
