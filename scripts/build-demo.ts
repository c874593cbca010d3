import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

// Builds the pages (the demo, and GraphiQL) into dist/demo, where what is there is not of the present sources.
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "dist/demo");
const digestFile = join(folder, ".sources");
const sources = ["src/{demo,react,client,clock}/**/*", "vite.config.ts", "scripts/build-demo.ts", "package-lock.json"];
const compressible = /\.(js|css|svg)$/;

const digest = await digestSources();
if ((await textOf(digestFile)) !== digest) await build();

async function build(): Promise<void> {
  const started = performance.now();
  // What a server is started with, or a test, does not make another page.
  process.env.NODE_ENV = "production";
  const vite = await import("vite").catch(undefinedIfNotInstalled);
  if (!vite) {
    process.stdout.write("The demo page is not built: that takes the development dependencies (npm ci).\n");
    return;
  }
  // Beside it first: a server that starts meanwhile must not find half of it.
  const draft = join(root, `dist/.demo-${process.pid}`);
  try {
    await vite.build({ configFile: join(root, "vite.config.ts"), logLevel: "warn", build: { outDir: draft } });
    for (const name of filesIn(draft)) {
      if (compressible.test(name)) await compress(join(draft, name));
    }
    await writeFile(join(draft, ".sources"), digest);
    // Another that built at the same time was first, and its pages may be being read.
    if ((await textOf(digestFile)) !== digest) await replace(draft);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  process.stdout.write(`The demo page is built (${Math.round(performance.now() - started)} ms).\n`);
}

/** Sizes do not matter to the digest, contents and names do. */
async function digestSources(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of sources.flatMap((pattern) => filesIn(root, pattern))) {
    if (/\.(test|world|contract)\.ts$/.test(name)) continue;
    hash.update(`${name}\0`).update(await readFile(join(root, name)));
  }
  return hash.digest("hex");
}

function filesIn(cwd: string, pattern = "**/*"): string[] {
  const entries = globSync(pattern, { cwd, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.map((path) => path.slice(join(cwd, "/").length)).sort();
}

/** Only the compressed one is kept: that is what nearly every browser takes. */
async function compress(path: string): Promise<void> {
  await writeFile(`${path}.gz`, await promisify(gzip)(await readFile(path), { level: 9 }));
  await rm(path);
}

/** Of two builds that end at one time either stays. */
async function replace(draft: string): Promise<void> {
  await mkdir(join(root, "dist"), { recursive: true });
  const old = join(root, `dist/.demo-old-${process.pid}`);
  try {
    await rename(folder, old).catch(unlessMissing);
    await rename(draft, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(old, { recursive: true, force: true });
  }
}

function undefinedIfNotInstalled(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
}

async function textOf(path: string): Promise<string | undefined> {
  return readFile(path, "utf8").catch(unlessMissing);
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
