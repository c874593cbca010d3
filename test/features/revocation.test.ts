import { once } from "node:events";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
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

test("a node that could not hear of a revocation ends the connections once the bus is back", async () => {
  await using redis = await startRedis();
  await using database = await createTestDatabase();
  const env = { REDIS_URL: redis.url, OPERATOR_TOKEN: operatorToken };
  await using one = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "one" } });
  await using two = await startTestApp({ databaseUrl: database.url, env: { ...env, NODE_ID: "two" } });
  const bob = await TestUser.open(one, "bob");
  const alice = await TestUser.open(one, "alice");
  const socket = await RawSocket.open(two.url, bob.token);
  await using other = await RawSocket.open(two.url, alice.token);
  await redis.kill();
  const { lines } = await asOperator(one, "revoke", "bob");
  expect(lines).toEqual([{ userId: "bob", published: false }]);
  expect(socket.closeCode).toBeUndefined();
  const closed = once(socket.socket, "close");
  await redis.restart();
  await closed;
  expect(socket.closeCode).toBe(4403);
  other.subscribe("still", `{ viewer { id } }`, {});
  await other.until(() => other.responses("still").length > 0);
});
