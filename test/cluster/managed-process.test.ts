import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort } from "../../scripts/cluster/free-port.ts";
import { startProcess, type ManagedProcess } from "../../scripts/cluster/managed-process.ts";
import { until } from "../support/until.ts";

/** Serves on a port with its process id, and ends with 7 when asked to. */
const program = `
require("node:http").createServer((_, response) => response.end(String(process.pid))).listen(Number(process.argv[1]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(7));
console.log("begun");`;

let folder: string;
let server: ManagedProcess;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "causerie-process-"));
  const port = await freePort();
  const logFile = join(folder, "log");
  const command = [process.execPath, "-e", program, String(port)];
  server = await startProcess({
    name: "server",
    port,
    logFile,
    command,
    isReady: async () => (await answer(port)) > 0,
  });
});

afterEach(async () => {
  await server.kill();
  await rm(folder, { recursive: true });
});

const answer = async (port: number) =>
  Number(await (await fetch(`http://127.0.0.1:${port}`, { signal: AbortSignal.timeout(300) })).text());

const isThere = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test("it is the program itself that has the process id, on the same port after each start", async () => {
  expect(await answer(server.port)).toBe(server.pid);
  const before = server.pid;
  expect(await server.kill()).toBeNull();
  expect(server.isRunning).toBe(false);
  await server.start();
  expect(server.pid).not.toBe(before);
  expect(await answer(server.port)).toBe(server.pid);
  expect(await server.stop()).toBe(7);
  // What the shell says of the kill is between.
  expect(await readFile(server.logFile, "utf8")).toMatch(/^begun\n[^]*begun\n$/);
});

test("a frozen one answers nobody until it is resumed, and can be killed", async () => {
  await server.pause();
  await expect(answer(server.port)).rejects.toThrow();
  server.resume();
  expect(await answer(server.port)).toBe(server.pid);
  await server.pause();
  await server.kill();
  expect(server.isRunning).toBe(false);
});

test("one that ends before it serves says so with its log", async () => {
  const options = { name: "broken", port: 1, logFile: join(folder, "broken"), isReady: async () => false };
  const command = [process.execPath, "-e", `console.error("no luck"); process.exit(3)`];
  await expect(startProcess({ ...options, command })).rejects.toThrow(/broken did not start[^]*no luck/);
});

test("it is gone when the process that started it was killed", async () => {
  const module = fileURLToPath(new URL("../../scripts/cluster/managed-process.ts", import.meta.url));
  const starter = `
    import { startProcess } from ${JSON.stringify(module)};
    const command = ["sleep", "1000"];
    const { pid } = await startProcess({ name: "sleeper", port: 1, logFile: process.argv[1], command, isReady: async () => true });
    console.log(pid);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", starter, join(folder, "sleeper")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [text] = (await once(child.stdout, "data")) as [Buffer];
  const pid = Number(text.toString());
  expect(isThere(pid)).toBe(true);
  child.kill("SIGKILL");
  await until("the sleeper is gone", () => !isThere(pid));
});
