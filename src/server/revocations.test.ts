import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { revocationKey } from "../accounts/accounts.store.ts";
import type { Bus } from "../live/bus.ts";
import { createConnections } from "./connections.ts";
import { openRevocations, type Revocations } from "./revocations.ts";

const compareIntervalMs = 2_000;
const hourMs = 3_600_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A node with a bus that carries nothing, and a database whose clock is as far off as one wants. */
async function openNode({ skewMs = 0 } = {}) {
  const connections = createConnections({ maxPerUser: 10 });
  const rows = new Map<string, number>();
  const forgotten: string[] = [];
  let recovered = () => {};
  const database = { skewMs, isAway: false, reads: 0 };
  const clockMs = () => performance.now() + database.skewMs;
  const silent: Pick<Bus, "publish" | "subscribe" | "onRecovered"> = {
    publish: async () => false,
    subscribe: () => ({ acknowledged: Promise.resolve(false), close: async () => undefined }),
    onRecovered(listener) {
      recovered = listener;
      return () => undefined;
    },
  };
  const revocations: Revocations = await openRevocations({
    bus: silent as Bus,
    store: {
      markRevoked: async (userId) => void rows.set(revocationKey(userId), clockMs()),
      async readRevocations(sinceMs) {
        database.reads += 1;
        if (database.isAway) throw new Error("The database is away.");
        const fromMs = (sinceMs ?? clockMs()) - 60_000;
        return { nowMs: clockMs(), revokedAtMs: new Map([...rows].filter(([, atMs]) => atMs > fromMs)) };
      },
      forgetRevocations: async () => undefined,
    },
    connections,
    forget: (userId) => void forgotten.push(userId),
    onFault: () => undefined,
    compareIntervalMs,
  });
  return {
    database,
    forgotten,
    recovered: () => recovered(),
    /** As another node does it, some time ago. */
    revokedElsewhere: (userId: string, { agoMs = 0 } = {}) => rows.set(revocationKey(userId), clockMs() - agoMs),
    open(userId: string) {
      const connection = { isOpen: true, end: () => void (connection.isOpen = false) };
      connections.add(userId, connection);
      return connection;
    },
    close: () => revocations[Symbol.asyncDispose](),
  };
}

test.for([0, -hourMs, hourMs])(
  "those connections end that were opened before the revocation, where the database's clock is %i ms ahead",
  async (skewMs) => {
    const node = await openNode({ skewMs });
    const before = node.open("bob");
    const others = node.open("alice");
    await vi.advanceTimersByTimeAsync(1.5 * compareIntervalMs);
    node.revokedElsewhere("bob");
    await vi.advanceTimersByTimeAsync(100);
    const after = node.open("bob");
    await vi.advanceTimersByTimeAsync(compareIntervalMs);
    expect([before.isOpen, after.isOpen, others.isOpen]).toEqual([false, true, true]);
    expect(node.forgotten).toEqual(["bob"]);
    for (let times = 0; times < 3; times++) {
      node.recovered();
      await vi.advanceTimersByTimeAsync(compareIntervalMs);
    }
    expect(after.isOpen).toBe(true);
    node.revokedElsewhere("bob");
    node.recovered();
    await vi.advanceTimersByTimeAsync(0);
    expect(after.isOpen).toBe(false);
    await node.close();
  },
);

test("a revocation is found however long the node could not ask", async () => {
  const node = await openNode();
  const before = node.open("bob");
  node.database.isAway = true;
  await vi.advanceTimersByTimeAsync(hourMs);
  node.revokedElsewhere("bob");
  await vi.advanceTimersByTimeAsync(hourMs);
  const after = node.open("bob");
  await vi.advanceTimersByTimeAsync(hourMs);
  node.database.isAway = false;
  await vi.advanceTimersByTimeAsync(compareIntervalMs);
  expect([before.isOpen, after.isOpen]).toEqual([false, true]);
  await node.close();
});

test("a revocation that was committed late, or by a database whose clock is behind the one before, is found", async () => {
  const node = await openNode();
  const bobs = node.open("bob");
  const carols = node.open("carol");
  node.revokedElsewhere("alice");
  await vi.advanceTimersByTimeAsync(1.5 * compareIntervalMs);
  node.revokedElsewhere("bob", { agoMs: 30_000 });
  await vi.advanceTimersByTimeAsync(compareIntervalMs);
  expect([bobs.isOpen, carols.isOpen]).toEqual([false, true]);
  node.database.skewMs = -30_000;
  node.revokedElsewhere("carol");
  await vi.advanceTimersByTimeAsync(compareIntervalMs);
  expect(carols.isOpen).toBe(false);
  await node.close();
});

test("where no connection is open the database is not asked", async () => {
  const node = await openNode();
  const { reads } = node.database;
  await vi.advanceTimersByTimeAsync(10 * compareIntervalMs);
  node.recovered();
  expect(node.database.reads).toBe(reads);
  await node.close();
});
