import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildSchema, isEnumType } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCodeBlocks } from "./code-blocks.ts";

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

/** What is said of the types, to be compiled: an error that is expected and does not come is one. */
const typed = (errorCodes: string[]) => `
import { OperationError, type ChatClient, type ErrorCode, type RoomEvent, type SyncQuery } from "causerie/client";

export function contentOf(event: RoomEvent): string | null {
  if (event.__typename === "MessageSent") return event.message.content;
  // @ts-expect-error: only events of messages have one
  if (event.__typename === "MemberLeft") return event.message.content;
  return null;
}

export async function waitOf(client: ChatClient): Promise<number | undefined> {
  const outcome = await client.rooms.get("r").edit("m", "text");
  // @ts-expect-error: it may have been refused
  outcome.value;
  if (outcome.ok) return outcome.value.content?.length;
  // @ts-expect-error: no such code
  if (outcome.code === "FORBIDEN") return 0;
  return outcome.code === "RATE_LIMITED" ? outcome.retryAfterMs : undefined;
}

const codes: Record<ErrorCode, true> = ${JSON.stringify(Object.fromEntries(errorCodes.map((code) => [code, true])))};
export const isKnown = (error: unknown) => error instanceof OperationError && error.code in codes;
export const isLast = ({ sync }: SyncQuery): boolean => !sync.hasMore;
`;

/** The code of the documentation that uses the package, each piece as a module. */
async function writeExamples(): Promise<string[]> {
  const pages = await Promise.all(["README.md", "docs/client.md"].map(readCodeBlocks));
  const pieces = pages.flat().filter(({ code }) => code.includes('from "causerie/'));
  const names = pieces.map(({ language }, index) => `example-${index}.${language}`);
  for (const [index, { code }] of pieces.entries()) await writeFile(join(folder, names[index]!), code);
  return names;
}

async function readErrorCodes(): Promise<string[]> {
  const schema = buildSchema(await readFile(join(root, "schema.graphql"), "utf8"));
  const type = schema.getType("ErrorCode");
  return isEnumType(type) ? type.getValues().map(({ name }) => name) : [];
}

test("the package's types are there, and right, for a strict compiler that skips nothing, and the documentation's code compiles", async () => {
  await writeFile(join(folder, "consumer.ts"), consumer);
  await writeFile(join(folder, "typed.ts"), typed(await readErrorCodes()));
  const examples = await writeExamples();
  expect(examples.length).toBeGreaterThan(5);
  const compilerOptions = {
    module: "nodenext",
    target: "es2022",
    lib: ["es2024", "dom", "dom.iterable"],
    strict: true,
    skipLibCheck: false,
    types: [],
    jsx: "react-jsx",
    outDir: "out",
  };
  await writeFile(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["consumer.ts", "typed.ts", ...examples] }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout } = await run(process.execPath, [tsc, "-p", folder]).catch((error: { stdout: string }) => error);
  expect(stdout).toBe("");
});

test("the package's modules run as they are", async () => {
  const { stdout } = await run(process.execPath, ["out/consumer.js"], { cwd: folder });
  expect(stdout.trim()).toBe("offline 0 function function function");
});

test("the package uses nothing that browsers and Node of 2023 do not have", async () => {
  const dist = join(folder, "node_modules", "causerie", "dist");
  const names = (await readdir(dist, { recursive: true })).filter((name) => name.endsWith(".js"));
  const young =
    /\b(?:Promise\.(?:withResolvers|try)|(?:Map|Object)\.groupBy|AbortSignal\.any|Array\.fromAsync|await using|using \w+ =)|\.to(?:Sorted|Reversed|Spliced)\(/;
  const found: string[] = [];
  for (const name of names) {
    const use = young.exec(await readFile(join(dist, name), "utf8"));
    if (use) found.push(`${name}: ${use[0]}`);
  }
  expect(names.length).toBeGreaterThan(50);
  expect(found).toEqual([]);
});

test("nothing of the server is in the package, and what is published is what was built", async () => {
  const { files } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { files: string[] };
  const built = await readdir(join(folder, "node_modules", "causerie", "dist"));
  expect(built.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["client", "clock", "react"]);
  for (const name of built) expect(files).toContain(`dist/${name}`);
});
