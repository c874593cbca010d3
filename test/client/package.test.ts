import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
let folder: string;

/** A project that has installed the package: what npm would put there, and what it depends on. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causerie-consumer-"));
  const installed = join(folder, "node_modules", "causerie");
  await mkdir(installed, { recursive: true });
  await run(process.execPath, [join(root, "scripts", "build-client.ts"), "--out", join(installed, "dist")]);
  await cp(join(root, "package.json"), join(installed, "package.json"));
  for (const name of [
    "graphql",
    "graphql-ws",
    "react",
    "@types/react",
    "csstype",
    "@graphql-typed-document-node/core",
  ]) {
    await mkdir(dirname(join(folder, "node_modules", name)), { recursive: true });
    await symlink(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const consumer = `
import { ChatClient, createMemoryStorage, SendMessageDocument, OrderedMessageBuffer, type RoomMessage } from "causerie/client";
import { useRoom, CauserieProvider } from "causerie/react";

const client = new ChatClient({ url: "ws://127.0.0.1:1", userId: "a", getToken: async () => "t", storage: createMemoryStorage() });
const status: "connecting" | "catching up" | "live" | "offline" = client.state.get().status;
const messages: readonly RoomMessage[] = client.rooms.get("r").messages.get();
export async function send(): Promise<string | undefined> {
  const { sendMessage } = await client.requests.ask(SendMessageDocument, { input: { roomId: "r", content: "hi" } });
  return sendMessage.message?.position;
}
// @ts-expect-error: a room id is missing
export const wrong = () => client.requests.ask(SendMessageDocument, { input: { content: "hi" } });
console.log(status, messages.length, typeof useRoom, typeof CauserieProvider, typeof OrderedMessageBuffer);
await client.dispose();
`;

test("the package's types are there, and right, for a strict compiler that skips nothing", async () => {
  await writeFile(join(folder, "consumer.ts"), consumer);
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2024", "dom", "dom.iterable"],
    strict: true,
    skipLibCheck: false,
    types: [],
    outDir: "out",
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["consumer.ts"] }));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
});

test("the package's modules run as they are", async () => {
  const { stdout } = await run(process.execPath, ["out/consumer.js"], { cwd: folder });
  expect(stdout.trim()).toBe("offline 0 function function function");
});

test("nothing of the server is in the package, and what is published is what was built", async () => {
  const { files } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { files: string[] };
  const built = await readdir(join(folder, "node_modules", "causerie", "dist"));
  expect(built.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["client", "clock", "react"]);
  for (const name of built) expect(files).toContain(`dist/${name}`);
});
