import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import type { Bus } from "../../src/live/bus.ts";
import { TestBus } from "../guarantees/test-bus.ts";
import { startTestApp } from "../support/app.ts";
import { asOperator, operatorToken } from "../support/operator.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startRedis } from "../support/redis.ts";
import { TestUser } from "../support/user.ts";

/** An event stream of the user; resolves when the server has ended it. */
async function openEvents(user: TestUser, roomId: string): Promise<{ ended: Promise<void> }> {
  const response = await fetch(`${user.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      accept: "text/event-stream",
      authorization: `Bearer ${user.token}`,
    },
    body: JSON.stringify({ query: `subscription { roomEvents(roomId: "${roomId}") { __typename } }` }),
  });
  expect(response.status).toBe(200);
  return { ended: response.text().then(() => undefined) };
}

test("a revocation ends all of a user's connections on all nodes within a second, and nobody else's", async () => {
  await using redis = await startRedis();
  await using database = await createTestDatabase();
  const env = { REDIS_URL: redis.url, OPERATOR_TOKEN: operatorToken };
  await using one = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "one" } });
  await using two = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "two" } });
  const bob = await TestUser.open(one, "bob");
  const alice = await TestUser.open(one, "alice");
  const roomId = await bob.createRoom("Revoked", ["alice"]);
  const sockets = await Promise.all([one, one, two, two].map(({ url }) => RawSocket.open(url, bob.token)));
  const streams = await Promise.all([bob, bob.at(two)].map((user) => openEvents(user, roomId)));
  const others = await Promise.all([one, two].map(({ url }) => RawSocket.open(url, alice.token)));

  // What is no revocation is passed over.
  const publisher = new Redis(redis.url);
  for (const text of ["", "null", "7", "{}", '{"userId":7}', '{"userId":""}', '["alice"]', "{"])
    expect(await publisher.publish("revocations", text)).toBe(2);
  publisher.disconnect();

  const closed = sockets.map((socket) => once(socket.socket, "close"));
  const beganMs = performance.now();
  const { lines } = await asOperator(one, "revoke", "bob");
  expect(lines).toEqual([{ userId: "bob", published: true }]);
  await Promise.all([...closed, ...streams.map(({ ended }) => ended)]);
  expect(performance.now() - beganMs).toBeLessThan(1_000);
  expect(sockets.map(({ closeCode }) => closeCode)).toEqual([4403, 4403, 4403, 4403]);
  for (const other of others) {
    other.subscribe("still", `{ viewer { id } }`, {});
    await other.until(() => other.responses("still").length > 0);
    await other[Symbol.asyncDispose]();
  }
});

/** Two nodes between which nothing is carried. Neither knows more of its bus than that it is down, or up, all the time. */
async function openApart({ up }: { up: boolean }) {
  await using resources = new AsyncDisposableStack();
  const carrier = new TestBus();
  carrier.fate = "lost";
  const database = resources.use(await createTestDatabase());
  const start = (nodeId: string, bus: Bus) =>
    startTestApp({ databaseUrl: database.url, bus, env: { OPERATOR_TOKEN: operatorToken, NODE_ID: nodeId } });
  const one = resources.use(await start("one", carrier.open({ up: false })));
  const two = resources.use(await start("two", carrier.open({ up })));
  const opened = resources.move();
  return { one, two, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

test.for([
  { title: "which alone lost the bus reaches the others", up: true },
  { title: "reaches one that was started without the bus", up: false },
])("a revocation made on a node $title", async ({ up }) => {
  await using nodes = await openApart({ up });
  const { one, two } = nodes;
  const bob = await TestUser.open(two, "bob");
  const alice = await TestUser.open(two, "alice");
  const roomId = await bob.createRoom("Revoked");
  const stream = await openEvents(bob, roomId);
  await using before = await RawSocket.open(two.url, bob.token);
  await using others = await RawSocket.open(two.url, alice.token);
  const { lines } = await asOperator(one, "revoke", "bob");
  expect(lines).toEqual([{ userId: "bob", published: false }]);
  // When a user was revoked is known but for the time that asking the database takes: what opens within it is ended too.
  await setTimeout(250);
  await using after = await RawSocket.open(two.url, bob.token);

  await before.until(() => before.closeCode !== undefined);
  await stream.ended;

  expect(before.closeCode).toBe(4403);
  for (const socket of [after, others]) {
    socket.subscribe("still", `{ viewer { id } }`, {});
    await socket.until(() => socket.responses("still").length > 0);
  }
});

test("guarantee 5: an erasure on a node that alone lost the bus ends what the user gets on the others", async () => {
  await using nodes = await openApart({ up: true });
  const { one, two } = nodes;
  const bob = await TestUser.open(two, "bob");
  const alice = await TestUser.open(one, "alice");
  await alice.createRoom("Room", ["bob"]);
  await using socket = await RawSocket.open(two.url, bob.token);
  const { lines } = await asOperator(one, "erase", "bob");
  expect(lines.at(-1)).toEqual({ rooms: 1, messages: 0 });
  await socket.until(() => socket.closeCode !== undefined);
  expect(socket.closeCode).toBe(4403);
});
