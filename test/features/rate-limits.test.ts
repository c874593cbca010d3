import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { rates } from "../../src/rate-limits.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { TestUser } from "../support/user.ts";

type Limited = { userErrors: { __typename: string; code: string; retryAfterMs?: number }[] };

let redis: TestRedis;
let app: TestApp;
let users = 0;

beforeAll(async () => {
  redis = await startRedis();
  app = await startTestApp({ env: { RATE_LIMITS: "on", REDIS_URL: redis.url } });
  await TestUser.open(app, "somebody");
});
afterAll(async () => {
  await app.close();
  await redis.close();
});

/** In a room of their own; what a test uses up is nobody else's. */
async function newUser(): Promise<{ user: TestUser; roomId: string }> {
  const user = await TestUser.open(app, `user ${(users += 1)}`);
  return { user, roomId: await user.createRoom("Limits") };
}

const userErrors = "userErrors { __typename code ... on RateLimitedError { retryAfterMs } }";

async function payloadOf(user: TestUser, mutation: string): Promise<Limited> {
  const data = await user.must<Record<string, Limited>>(`mutation { ${mutation} }`);
  return Object.values(data)[0]!;
}

test("30 messages go at once, the next is refused with the time to wait, and goes after it", async () => {
  const { user, roomId } = await newUser();
  await using socket = await RawSocket.open(app.url, user.token);
  const query = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { content } ${userErrors} } }`;
  const send = (content: string) => socket.subscribe(content, query, { input: { roomId, content } });
  const isDone = (id: string) => socket.messages.some((message) => message.type === "complete" && message.id === id);
  for (let count = 0; count < 60; count++) send(`${count}`);
  await socket.until(() => Array.from({ length: 60 }, (_, count) => `${count}`).every(isDone));

  const answers = Array.from({ length: 60 }, (_, count) => socket.responses<{ sendMessage: Limited }>(`${count}`)[0]!);
  const refused = answers.filter(({ sendMessage }) => sendMessage.userErrors.length > 0);
  // A machine that is busy takes a while for sixty of them, and ten more may go each second.
  expect(answers.slice(0, 30).every(({ sendMessage }) => sendMessage.userErrors.length === 0)).toBe(true);
  expect(refused.length).toBeGreaterThan(0);
  const [error] = refused.at(-1)!.sendMessage.userErrors;
  expect(error).toMatchObject({ __typename: "RateLimitedError", code: "RATE_LIMITED" });
  expect(error!.retryAfterMs).toBeGreaterThan(0);
  expect(error!.retryAfterMs).toBeLessThanOrEqual(3_000);
  await setTimeout(error!.retryAfterMs);
  send("once more");
  await socket.until(() => isDone("once more"));
  expect(socket.responses<{ sendMessage: Limited }>("once more")[0]!.sendMessage.userErrors).toEqual([]);

  // Whichever of them Redis was asked about.
  const { room } = await user.must<{ room: { messages: { edges: { node: { content: string } }[] } } }>(
    `query ($roomId: ID!) { room(id: $roomId) { messages(first: 100) { edges { node { content } } } } }`,
    { roomId },
  );
  const sent = room.messages.edges.map(({ node }) => node.content).slice(0, -1);
  expect(sent).toEqual(sent.toSorted((a, b) => Number(a) - Number(b)));
});

test.each<[keyof typeof rates, (roomId: string) => string]>([
  ["changeMessage", (roomId) => `deleteMessage(input: { roomId: "${roomId}", messageId: "none" }) { ${userErrors} }`],
  ["markRead", (roomId) => `markRead(input: { roomId: "${roomId}", upToId: "none" }) { ${userErrors} }`],
  ["setTyping", (roomId) => `setTyping(input: { roomId: "${roomId}", isTyping: true }) { ${userErrors} }`],
  ["setPresence", () => `setPresence(input: { customStatus: "busy" }) { ${userErrors} }`],
  ["createRoom", () => `createRoom(input: { name: "Another" }) { ${userErrors} }`],
  ["changeRoom", (roomId) => `updateRoom(input: { roomId: "${roomId}", name: "Other" }) { ${userErrors} }`],
])("%s is limited for each user", async (operation, mutationOf) => {
  const { user, roomId } = await newUser();
  const mutation = mutationOf(roomId);
  const { burst } = rates[operation];
  const payloads = await Promise.all(Array.from({ length: 2 * burst }, () => payloadOf(user, mutation)));
  const limited = payloads.filter(({ userErrors: errors }) => errors[0]?.code === "RATE_LIMITED");
  expect(limited.length).toBeGreaterThan(0);
  expect(limited[0]!.userErrors[0]!.retryAfterMs).toBeGreaterThan(0);
  const other = await newUser();
  expect((await payloadOf(other.user, mutationOf(other.roomId))).userErrors[0]?.code).not.toBe("RATE_LIMITED");
});

test("sign-ins by name are limited for each address", async () => {
  await using files = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "causerie-limits-"));
  files.defer(() => rm(dataDir, { recursive: true }));
  await using dev = await startTestApp({ env: { RATE_LIMITS: "on", JWT_SECRET: "", DATA_DIR: dataDir } });
  const signIn = () =>
    fetch(`${dev.url}/dev/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ name: "Alice" }),
    });
  const answers = await Promise.all(Array.from({ length: 40 }, signIn));
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(rates.signIn.burst);
  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(await refused.json()).toMatchObject({ error: { code: "RATE_LIMITED", retryAfterMs: expect.any(Number) } });
});

test("without rate limits nothing is limited", async () => {
  await using free = await startTestApp();
  await using user = await TestUser.open(free, "quick");
  const roomId = await user.createRoom("Limits");
  const sent = Array.from({ length: 100 }, (_, count) => user.send(roomId, `${count}`));
  expect(await Promise.all(sent)).toHaveLength(100);
});
