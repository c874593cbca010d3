// `npm run bench` lists the benches; `npm run bench -- NAME [options]` runs one.
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";

const folder = new URL("./", import.meta.url);
const names = (await readdir(folder))
  .filter((name) => /^[a-z-]+\.ts$/.test(name) && name !== "run.ts")
  .map((name) => name.slice(0, -3));
const [name, ...options] = process.argv.slice(2);

if (!name || !names.includes(name)) {
  console.log(`npm run bench -- NAME [options], NAME one of: ${names.join(", ")}`);
  process.exitCode = name ? 2 : 0;
} else {
  const child = spawn(process.execPath, [new URL(`${name}.ts`, folder).pathname, ...options], { stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
  child.on("exit", (code) => (process.exitCode = code ?? 1));
}
