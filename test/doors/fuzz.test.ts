import { readdir, readFile } from "node:fs/promises";
import fc from "fast-check";
import { buildSchema, parse, print, separateOperations } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seedOf, tokenOf } from "../support/app.ts";
import { inspect, inspectedEnv, type Inspector } from "../support/inspected-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { steps, talk } from "./fuzz/frames.ts";
import type { Kitchen } from "./fuzz/inputs.ts";
import { internalTextIn } from "./fuzz/internals.ts";
import { answerTo, requestOf, requestRecipes } from "./fuzz/requests.ts";

/** Of each door; at least 20,000 together. */
const inputs = Number(process.env.FUZZ_INPUTS ?? 20_800) / 2;
const perRun = 8;
/** As many fill what the server keeps on purpose: texts that it knows, profiles, plans. */
const warmingInputs = 2_000;
/** Of finding a failure's smallest form too. */
const withinTime = { interruptAfterTimeLimit: 180_000, markInterruptAsFailure: true };
const maxGrowthBytes = 8 * 1024 * 1024;

let database: TestDatabase;
let server: ServerProcess;
let inspector: Inspector;
let kitchen: Kitchen;
let token: string;
const seed = seedOf("fuzz");

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ databaseUrl: database.url, env: { ...inspectedEnv, MAX_ROOMS_PER_USER: "100" } });
  inspector = await inspect(server);
  token = await tokenOf("alice");
  kitchen = {
    schema: buildSchema(await text("schema.graphql")),
    known: await clientOperations(),
    world: await furnish(),
  };
});

afterAll(async () => {
  inspector[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

const text = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), "utf8");

async function clientOperations(): Promise<string[]> {
  const folder = "src/client/operations/";
  const names = await readdir(new URL(`../../${folder}`, import.meta.url));
  const texts = await Promise.all(names.map((name) => text(`${folder}${name}`)));
  return Object.values(separateOperations(parse(texts.join("\n")))).map(print);
}

/** Some rooms with messages that were read, edited and deleted. */
async function furnish(): Promise<Kitchen["world"]> {
  const [alice, bob] = await Promise.all(["alice", "bob"].map((id) => TestUser.open(server, id)));
  const roomIds = [await alice!.createRoom("Tea", ["bob"]), await bob!.createRoom("Coffee", ["alice"])];
  const foreign = await bob!.createRoom("Not Alice's");
  const sent = [];
  for (const roomId of roomIds) {
    for (let i = 0; i < 5; i++) sent.push(await bob!.send(roomId, `message ${i}`));
    await alice!.mutate("markRead", { roomId, upToId: sent.at(-2)!.id });
  }
  const { rooms } = await alice!.must<{ rooms: { edges: { cursor: string }[] } }>(`{ rooms { edges { cursor } } }`);
  return {
    roomIds: [...roomIds, foreign],
    messageIds: sent.map(({ id }) => id),
    userIds: ["alice", "bob", "nobody"],
    cursors: [...sent.map(({ position }) => position), ...roomIds.map((id) => `${id}.0000000000000002`)],
    places: rooms.edges.map(({ cursor }) => cursor),
  };
}

function expectNothingInternal(said: string): void {
  expect(internalTextIn(said)).toBeNull();
  // No fault was injected, so whatever the server calls one is a fault.
  if (/"code":"INTERNAL"|"reference"/.test(said))
    expect.fail(`A fault: ${said.slice(0, 1_000)}\n${server.log.at(-1)?.slice(0, 1_000)}`);
}

/** Of both doors: so many inputs, and what was answered to each judged. */
const overHttp = (count: number) =>
  fc.assert(
    fc.asyncProperty(fc.array(requestRecipes, { minLength: perRun, maxLength: perRun }), async (recipes) => {
      const made = recipes.map((recipe) => requestOf(recipe, { kitchen, token }));
      const answers = await Promise.all(made.map((request) => answerTo(server.url, request)));
      for (const answer of answers) {
        expectNothingInternal(answer);
        expect(answer).not.toMatch(/^HTTP\/1.1 5/);
      }
      expect(server.isRunning).toBe(true);
    }),
    { seed, numRuns: Math.ceil(count / perRun), ...withinTime },
  );

/** Those of the protocol and of WebSocket itself; 1006 is the client's word for a connection that was cut. */
const closeCodes = [
  null,
  1000,
  1002,
  1003,
  1005,
  1006,
  1007,
  1008,
  1009,
  1013,
  4008,
  4400,
  4401,
  4403,
  4406,
  4408,
  4409,
  4429,
];

const overSockets = (count: number) =>
  fc.assert(
    fc.asyncProperty(
      fc.array(steps, { minLength: perRun, maxLength: perRun }),
      fc.integer({ min: 0, max: 9 }),
      async (script, who) => {
        const { said, code, reason } = await talk(server.url, { token: who === 0 ? null : token, script, kitchen });
        for (const message of [...said, reason]) expectNothingInternal(message);
        expect(closeCodes).toContain(code);
        expect(server.isRunning).toBe(true);
      },
    ),
    { seed, numRuns: Math.ceil(count / perRun), ...withinTime },
  );

test("whatever comes over HTTP and WebSocket, nothing breaks, nothing internal is told, and memory comes back to its level", async () => {
  await Promise.all([overHttp(warmingInputs / 2), overSockets(warmingInputs / 2)]);
  const before = await inspector.memory();
  const beganAtMs = performance.now();
  await Promise.all([overHttp(inputs), overSockets(inputs)]);
  const seconds = (performance.now() - beganAtMs) / 1_000;
  let after = await inspector.memory();
  const heldBytes = () => after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes;
  await until("memory is back at its level", async () => {
    after = await inspector.memory();
    return heldBytes() < maxGrowthBytes;
  });
  console.log(
    `${2 * inputs} inputs in ${seconds.toFixed(0)} s; held after a collection: ${(heldBytes() / 2 ** 20).toFixed(1)} MiB more, of ${(before.heapBytes / 2 ** 20).toFixed(0)} MiB of heap`,
  );
  expect(server.log.filter((line) => /"msg":"fault"|UnhandledPromise|uncaught/i.test(line))).toEqual([]);

  // And it still serves.
  await using bob = await TestUser.open(server, "bob");
  const roomId = await bob.createRoom("Afterwards");
  await using feed = bob.roomEvents(roomId);
  await feed.next();
  const { id } = await bob.send(roomId, "still here");
  expect((await feed.next()).message?.id).toBe(id);
}, 300_000);
