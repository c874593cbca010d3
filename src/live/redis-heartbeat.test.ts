import { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startRedis } from "../../test/support/redis.ts";
import type { TestRedis } from "../../test/support/redis.ts";
import { until } from "../../test/support/until.ts";
import { keepHeartbeat } from "./redis-heartbeat.ts";

const deadlineMs = 200;
let server: TestRedis;
let connection: Redis;

beforeEach(async () => {
  server = await startRedis();
  connection = new Redis({ host: "127.0.0.1", port: server.port, commandTimeout: deadlineMs });
  await connection.ping();
});
afterEach(async () => {
  connection.disconnect();
  await server.close();
});

/** `onBeat` is called at each beat, just before the connections are asked. */
function beat(onBeat: (beats: number) => void = () => {}) {
  let beats = 0;
  let dead = 0;
  const connections = () => {
    onBeat((beats += 1));
    return [connection];
  };
  const stop = keepHeartbeat({ connections, intervalMs: 20, onDead: () => (dead += 1) });
  return { beats: () => beats, dead: () => dead, [Symbol.dispose]: stop };
}

test("a connection that answers is not dead", async () => {
  using heartbeat = beat();
  await until("it has beaten", () => heartbeat.beats() >= 10);
  expect(heartbeat.dead()).toBe(0);
});

test("a connection that does not answer within the deadline is dead", async () => {
  using heartbeat = beat();
  server.pause();
  await until("it is found", () => heartbeat.dead() > 0, 10 * deadlineMs);
});

test("an answer that came while this process stood still counts, though it is read after the deadline", async () => {
  using heartbeat = beat((beats) => {
    if (beats > 1) return;
    server.pause();
    // The question is sent by then, and its answer comes while nobody reads.
    setImmediate(() => {
      server.resume();
      standStill(2 * deadlineMs);
    });
  });
  await until("it has gone on", () => heartbeat.beats() >= 10);
  expect(heartbeat.dead()).toBe(0);
});

function standStill(ms: number): void {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
}
