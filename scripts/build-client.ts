import { spawn } from "node:child_process";
import { once } from "node:events";
import { glob, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// Builds what npm ships: the client kit and its React hooks as ES modules with types. `--out <folder>`: elsewhere than dist.
const root = fileURLToPath(new URL("..", import.meta.url));
const outIndex = process.argv.indexOf("--out");
const out = (outIndex === -1 ? undefined : process.argv[outIndex + 1]) ?? join(root, "dist");

for (const folder of ["client", "clock", "react"]) await rm(join(out, folder), { recursive: true, force: true });
process.exitCode = await compile();
if (process.exitCode === 0) await mendDeclarations();

async function compile(): Promise<number> {
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const child = spawn(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", out], {
    cwd: root,
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

/** The compiler rewrites the `.ts` of imports in JavaScript only; not every compiler that reads the declarations takes it there. */
async function mendDeclarations() {
  for await (const path of glob(join(out, "{client,clock,react}", "**", "*.d.ts"))) {
    const text = await readFile(path, "utf8");
    await writeFile(path, text.replaceAll(/(from "|import\(")(\.{1,2}\/[^"]+)\.ts"/g, '$1$2.js"'));
  }
}
