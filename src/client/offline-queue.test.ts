import * as fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { createFakeClock } from "../../test/support/fake-clock.ts";
import { createLocalLock, type Lock } from "./lock.ts";
import { OfflineQueue } from "./offline-queue.ts";
import { createWorld, type Fate } from "../../test/support/offline-queue-world.ts";
import { QueueFullError } from "./queue-contents.ts";
import { createMemoryStorage, type KeyValueStorage } from "./storage.ts";

const minuteMs = 60_000;

/** A world whose calls meet these fates, one after the other, and then go well. */
function worldOf(...fates: Fate[]) {
  return createWorld({ nextFate: () => fates.shift() ?? "ok" });
}

async function openStarted(world: ReturnType<typeof createWorld>, more = {}) {
  const tab = world.openTab(more);
  void tab.queue.start();
  await world.clock.advance(10);
  const add = async (content: string, roomId = "room") => {
    const [item] = await Promise.all([tab.queue.add({ roomId, content }), world.clock.advance(25)]);
    return item;
  };
  const shown = () => tab.queue.items.get().map((item) => `${item.content} ${item.status}`);
  return { ...tab, add, shown };
}

describe("OfflineQueue", () => {
  it("shows a message as queued, sending and sent, and gives what the server made of it", async () => {
    const world = worldOf();
    const { queue, add } = await openStarted(world);
    const statuses: string[] = [];
    queue.items.subscribe(() =>
      statuses.push(
        queue.items
          .get()
          .map((item) => item.status)
          .join(),
      ),
    );
    const { clientMessageId } = await add("hello");
    await world.clock.advance(1_000);
    expect(statuses).toEqual(["queued", "sending", "sent"]);
    const [item] = queue.items.get();
    expect(item).toMatchObject({ clientMessageId, message: { id: clientMessageId, content: "hello" }, attempts: 1 });
    expect(clientMessageId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(await world.medium.keys("")).toEqual([]);
  });

  it("sends a room's messages one at a time and in the order in which they were written", async () => {
    const world = worldOf();
    const { add } = await openStarted(world);
    for (const content of ["a", "b", "c"]) await add(content);
    await world.clock.advance(1_000);
    expect(world.posted("room")).toEqual(["a", "b", "c"]);
    expect(world.calls).toHaveLength(3);
  });

  it("keeps the order of calls that were not waited for", async () => {
    const world = worldOf();
    const { queue } = await openStarted(world);
    const adding = Promise.all(["a", "b", "c"].map((content) => queue.add({ roomId: "room", content })));
    await world.clock.advance(1_000);
    await adding;
    expect(world.posted("room")).toEqual(["a", "b", "c"]);
  });

  it("keeps in view what is added while the storage is looked at, whenever the two meet", async () => {
    for (let offsetMs = 0; offsetMs <= 12; offsetMs++) {
      const world = worldOf();
      const { queue } = await openStarted(world, { send: () => new Promise(() => undefined) });
      const counts: number[] = [];
      queue.items.subscribe(() => counts.push(queue.items.get().length));
      const adding = queue.add({ roomId: "room", content: "a" });
      await world.clock.advance(offsetMs);
      await Promise.all([adding, queue.refresh(), world.clock.advance(40)]);
      expect(new Set(counts)).toEqual(new Set([1]));
    }
  });

  it("repeats a call that was lost with the same id, whichever way it was lost, and lets none overtake it", async () => {
    const world = worldOf("lost there", "lost back", "lost there");
    const { queue, add, shown } = await openStarted(world);
    await add("a");
    await add("b");
    await world.clock.advance(150);
    expect(shown()).toEqual(["a queued", "b queued"]);
    expect(queue.items.get()[0]!.lastError).toEqual({ code: "UNREACHED", message: "The connection was lost." });
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a", "b"]);
    expect(world.calls.map((call) => call.content)).toEqual(["a", "a", "a", "a", "b"]);
    expect(new Set(world.calls.map((call) => call.clientMessageId)).size).toBe(2);
  });

  it("repeats a call that gets no answer, and is not disturbed when it arrives after all", async () => {
    const world = worldOf("late");
    const { add } = await openStarted(world);
    await add("a");
    await add("b");
    await world.clock.advance(10 * minuteMs);
    expect(world.posted("room")).toEqual(["a", "b"]);
    expect(world.calls.map((call) => call.content)).toEqual(["a", "a", "b"]);
  });

  it("waits as long as the server asks for when it is limited", async () => {
    const world = worldOf("limited");
    const { add } = await openStarted(world);
    await add("a");
    await world.clock.advance(5_000);
    expect(world.calls).toHaveLength(1);
    await world.clock.advance(500);
    expect(world.posted("room")).toEqual(["a"]);
  });

  it("tries without an end, and at once when the connection is back", async () => {
    let isOnline = false;
    const world = createWorld({ nextFate: () => (isOnline ? "ok" : "lost there") });
    const { queue, add } = await openStarted(world, {
      backoff: { baseMs: 60_000, maxMs: 3_600_000, random: () => 0.999 },
      refreshEveryMs: 3_600_000,
    });
    await add("a", "room 1");
    await add("b", "room 2");
    await world.clock.advance(24 * 60 * minuteMs);
    expect(world.calls.length).toBeGreaterThan(20);
    isOnline = true;
    queue.retryNow();
    await world.clock.advance(500);
    expect([...world.posted("room 1"), ...world.posted("room 2")]).toEqual(["a", "b"]);
  });

  it("does not wait when it is told so between a try and the wait after it", async () => {
    const world = worldOf("lost there");
    const local = createLocalLock();
    // As the browser's locks do it, this one is let go of some time after the work is done.
    const lock: Lock = async (name, work) => {
      const result = await local(name, work);
      await new Promise<void>((resolve) => world.clock.setTimeout(resolve, 50));
      return result;
    };
    const { queue, add, shown } = await openStarted(world, {
      lock,
      backoff: { baseMs: minuteMs, random: () => 0.999 },
    });
    await add("a");
    await world.clock.advance(110);
    expect(queue.items.get()[0]).toMatchObject({ status: "queued", lastError: { code: "UNREACHED" } });
    queue.retryNow();
    await world.clock.advance(1_000);
    expect(shown()).toEqual(["a sent"]);
  });

  it.each(["INVALID", "NOT_FOUND", "FORBIDDEN", "CONFLICT"] as const)(
    "sets a message aside with its reason when it is refused as %s, and goes on with the next",
    async (code) => {
      const world = worldOf();
      world.refused.set("bad", { code, message: "No." });
      const { queue, add, shown } = await openStarted(world);
      await add("bad");
      await add("good");
      await world.clock.advance(minuteMs);
      expect(shown()).toEqual(["bad failed", "good sent"]);
      expect(queue.items.get()[0]!.failure).toEqual({ code, message: "No." });
      expect(world.calls).toHaveLength(2);
    },
  );

  it("repeats what is refused for a reason that it does not know", async () => {
    const world = worldOf();
    world.refused.set("a", { code: "INTERNAL", message: "Out of order." });
    const { add } = await openStarted(world);
    await add("a");
    await world.clock.advance(minuteMs);
    world.refused.clear();
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a"]);
  });

  it("keeps one room from waiting for another", async () => {
    const world = createWorld({ nextFate: () => "ok" });
    const { add } = await openStarted(world, {
      send: (message: { roomId: string; content: string }) =>
        message.roomId === "silent" ? new Promise(() => undefined) : Promise.resolve({ ok: true, message }),
    });
    await add("a", "silent");
    await add("b", "other");
    await world.clock.advance(50);
    expect(await world.medium.keys("")).toHaveLength(1);
  });

  it("sends a failed message again in its old place when asked to, and no other", async () => {
    const world = worldOf();
    world.refused.set("bad", { code: "FORBIDDEN", message: "Not now." });
    const { queue, add, shown } = await openStarted(world);
    const { clientMessageId } = await add("bad");
    await world.clock.advance(500);
    world.refused.clear();
    const retrying = queue.retry(clientMessageId);
    const adding = add("next");
    await world.clock.advance(1_000);
    await adding;
    expect(await retrying).toBe(true);
    expect(shown()).toEqual(["bad sent", "next sent"]);
    expect(world.posted("room")).toEqual(["bad", "next"]);
    expect(await queue.retry(clientMessageId)).toBe(false);
  });

  it("forgets a message that is discarded, and says so when it was sent before", async () => {
    const world = worldOf("lost there", "ok");
    const { queue, add, shown } = await openStarted(world, { backoff: { random: () => 0.999 } });
    const first = await add("a");
    const second = await add("b");
    await world.clock.advance(150);
    const discarding = queue.discard(first.clientMessageId);
    await world.clock.advance(10);
    expect(await discarding).toBe(true);
    expect(shown()).toEqual(["b queued"]);
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["b"]);
    expect(await queue.discard(second.clientMessageId)).toBe(false);
    expect(await queue.discard("unknown")).toBe(false);
  });

  it("does not take back what is on its way: it waits for the answer and says that it was sent", async () => {
    const world = worldOf();
    const { queue, add } = await openStarted(world);
    const { clientMessageId } = await add("a");
    await world.clock.advance(5);
    expect(queue.items.get()[0]!.status).toBe("sending");
    const discarding = queue.discard(clientMessageId);
    await world.clock.advance(500);
    expect(await discarding).toBe(false);
    expect(world.posted("room")).toEqual(["a"]);
  });

  it("refuses a message beyond its limit with a clear error and keeps the others", async () => {
    const world = createWorld({ nextFate: () => "lost there" });
    const { queue, add } = await openStarted(world, { maxItems: 2 });
    await add("a");
    await add("b");
    await expect(add("c")).rejects.toThrow(QueueFullError);
    await expect(add("d")).rejects.toThrow("2 messages wait already.");
    expect(queue.items.get()).toHaveLength(2);
  });

  it("shows the last 100 sent messages and no more", async () => {
    const clock = createFakeClock();
    const queue = new OfflineQueue({
      name: "a",
      storage: createMemoryStorage(),
      clock,
      send: async (message) => ({ ok: true, message }),
      onFault: vi.fn(),
    });
    await queue.start();
    for (let index = 0; index < 150; index++) await queue.add({ roomId: "room", content: String(index) });
    await clock.advance(1_000);
    expect(queue.items.get().map((item) => item.content)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(i + 50)),
    );
    queue.dispose();
  });
});

describe("OfflineQueue over a reload", () => {
  it("resends with the same id what was on its way, and the server posts it once", async () => {
    const world = worldOf();
    const before = await openStarted(world);
    const { clientMessageId } = await before.add("a");
    await before.add("b");
    await world.clock.advance(150);
    expect(before.queue.items.get()[0]!.status).toBe("sending");
    before.kill();
    const after = await openStarted(world);
    await world.clock.advance(1_000);
    expect(after.shown()).toEqual(["a sent", "b sent"]);
    expect(world.calls.map((call) => call.content)).toEqual(["a", "a", "b"]);
    expect(world.calls[1]!.clientMessageId).toBe(clientMessageId);
    expect(world.posted("room")).toEqual(["a", "b"]);
  });

  it("still shows what failed, with its reason, and does not send it by itself", async () => {
    const world = worldOf();
    world.refused.set("bad", { code: "FORBIDDEN", message: "No." });
    const before = await openStarted(world);
    await before.add("bad");
    await world.clock.advance(500);
    before.queue.dispose();
    const after = await openStarted(world);
    await world.clock.advance(minuteMs);
    expect(after.shown()).toEqual(["bad failed"]);
    expect(after.queue.items.get()[0]!.failure).toEqual({ code: "FORBIDDEN", message: "No." });
    expect(world.calls).toHaveLength(1);
  });

  it("puts what is written after it behind what was written before, also when the machine's clock was set back", async () => {
    const world = worldOf();
    const ahead = { ...world.clock, now: () => world.clock.now() + 3_600_000 };
    const before = await openStarted(world, { clock: ahead, send: () => new Promise(() => undefined) });
    await before.add("a");
    before.kill();
    const after = await openStarted(world);
    await after.add("b");
    await world.clock.advance(1_000);
    expect(world.posted("room")).toEqual(["a", "b"]);
  });

  it("leaves no timer when disposed of, takes nothing more and keeps what was not sent", async () => {
    const world = createWorld({ nextFate: () => "lost there" });
    const { queue, add } = await openStarted(world);
    await add("a");
    await world.clock.advance(150);
    queue.dispose();
    await world.clock.advance(10);
    expect(world.clock.timers).toBe(0);
    await expect(queue.add({ roomId: "room", content: "b" })).rejects.toThrow("disposed");
    await world.clock.advance(10 * minuteMs);
    expect(world.calls).toHaveLength(1);
    expect(await world.medium.keys("")).toHaveLength(1);
  });

  it("does not touch another user's queue in the same storage", async () => {
    const world = worldOf();
    const alice = await openStarted(world, { send: () => new Promise(() => undefined) });
    await alice.add("hers");
    alice.kill();
    const bob = await openStarted(world, { name: "alice/bob" });
    const al = await openStarted(world, { name: "al" });
    await world.clock.advance(minuteMs);
    expect([...bob.shown(), ...al.shown()]).toEqual([]);
    expect(world.calls).toEqual([]);
  });

  it("reports what it cannot read, once, leaves it where it is and goes on", async () => {
    const world = worldOf();
    await world.medium.set("causerie/outbox/alice/broken", "{");
    await world.medium.set("causerie/outbox/alice/other", JSON.stringify({ clientMessageId: "other" }));
    const { add } = await openStarted(world);
    await add("a");
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a"]);
    expect(world.faults).toHaveLength(2);
    expect(await world.medium.keys("")).toHaveLength(2);
  });

  it("goes on when the storage fails for a while, and tells of it", async () => {
    const world = worldOf();
    let isBroken = false;
    const medium = createMemoryStorage();
    const whenWhole = async <T>(work: () => Promise<T>) => {
      if (isBroken) throw new Error("The disk is full.");
      return work();
    };
    const storage: KeyValueStorage = {
      get: (key) => whenWhole(() => medium.get(key)),
      set: (key, value) => whenWhole(() => medium.set(key, value)),
      delete: (key) => whenWhole(() => medium.delete(key)),
      keys: (prefix) => whenWhole(() => medium.keys(prefix)),
    };
    const { queue, add, shown } = await openStarted(world, { storage });
    await add("a");
    isBroken = true;
    await expect(queue.add({ roomId: "room", content: "b" })).rejects.toThrow("full");
    await world.clock.advance(minuteMs);
    expect(world.faults.length).toBeGreaterThan(0);
    isBroken = false;
    await add("c");
    await world.clock.advance(minuteMs);
    expect(shown()).toEqual(["a sent", "c sent"]);
    expect(world.posted("room")).toEqual(["a", "c"]);
  });
});

describe("OfflineQueue in two tabs", () => {
  it("sends each message once, and in the order of both", async () => {
    const world = worldOf();
    const [one, two] = [await openStarted(world), await openStarted(world)];
    for (const content of ["a", "b", "c", "d"]) await (content < "c" ? one : two).add(content);
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a", "b", "c", "d"]);
    expect(world.calls).toHaveLength(4);
    expect(await world.medium.keys("")).toEqual([]);
    for (const { queue } of [one, two]) expect(queue.items.get().every((item) => item.status === "sent")).toBe(true);
  });

  it("sends a message in one tab at a time", async () => {
    const world = createWorld();
    const [one, two] = [await openStarted(world), await openStarted(world)];
    await Promise.all([one.add("a"), two.queue.refresh()]);
    for (let index = 0; index < 10; index++) {
      await Promise.all([two.queue.refresh(), world.clock.advance(20)]);
    }
    expect(world.calls).toHaveLength(1);
  });

  it("sends what a closed tab left behind", async () => {
    const world = createWorld({ nextFate: () => (world.calls.length < 3 ? "lost there" : "ok") });
    const [one, two] = [await openStarted(world), await openStarted(world)];
    await one.add("a");
    one.kill();
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a"]);
    expect(two.shown()).toEqual(["a sent"]);
  });

  it("does not send again what was refused in another tab, and shows it as failed there too", async () => {
    const world = worldOf("lost there");
    world.refused.set("bad", { code: "FORBIDDEN", message: "No." });
    const [one, two] = [await openStarted(world), await openStarted(world)];
    await one.add("bad");
    void two.queue.refresh();
    await world.clock.advance(minuteMs);
    expect(world.calls).toHaveLength(2);
    expect([...one.shown(), ...two.shown()]).toEqual(["bad failed", "bad failed"]);
  });

  it("puts a message behind what another tab wrote before, whatever the clocks of the two say", async () => {
    const world = worldOf("lost there");
    const ahead = { ...world.clock, now: () => world.clock.now() + 3_600_000 };
    const one = await openStarted(world, { clock: ahead, backoff: { random: () => 0.999 } });
    const two = await openStarted(world);
    await one.add("a");
    await two.add("b");
    await world.clock.advance(minuteMs);
    expect(world.posted("room")).toEqual(["a", "b"]);
    expect(world.calls[0]!.content).toBe("a");
  });

  it("does not bring back what another tab discarded while it was on its way, also without a lock between them", async () => {
    const world = createWorld({ isLockShared: false });
    world.refused.set("bad", { code: "FORBIDDEN", message: "No." });
    const one = await openStarted(world);
    const two = await openStarted(world, { send: () => new Promise(() => undefined) });
    const { clientMessageId } = await one.add("bad");
    await world.clock.advance(6);
    expect(one.shown()).toEqual(["bad sending"]);
    await world.medium.delete(`causerie/outbox/alice/${clientMessageId}`);
    await world.clock.advance(minuteMs);
    expect([...one.shown(), ...two.shown()]).toEqual([]);
    expect(await world.medium.keys("")).toEqual([]);
  });

  it("lets a message go that another tab discarded", async () => {
    const world = createWorld({ nextFate: () => "lost there" });
    const [one, two] = [await openStarted(world), await openStarted(world)];
    const { clientMessageId } = await one.add("a");
    void two.queue.refresh();
    await world.clock.advance(50);
    const discarding = two.queue.discard(clientMessageId);
    await world.clock.advance(minuteMs);
    expect(await discarding).toBe(true);
    expect([...one.shown(), ...two.shown()]).toEqual([]);
    expect(await world.medium.keys("")).toEqual([]);
  });
});

type Act = "add" | "add bad" | "wait" | "reload" | "discard" | "retry" | "nudge";

const aStep = fc.record({
  act: fc.constantFrom<Act>("add", "add", "add", "add bad", "wait", "wait", "reload", "discard", "retry", "nudge"),
  tab: fc.integer({ min: 0, max: 1 }),
  room: fc.constantFrom("r1", "r2"),
  pick: fc.nat(),
  waitMs: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 20_000 })),
});
const aFate = fc.constantFrom<Fate>("ok", "ok", "ok", "lost there", "lost back", "late", "limited");

interface Written {
  roomId: string;
  content: string;
  beganAt: number;
  ackedAt: number;
  isDiscarded: boolean;
}

/** Plays random steps in some tabs, then lets everything go well, and gives what was written and the world as it ended. */
async function play(options: {
  steps: (typeof aStep extends fc.Arbitrary<infer S> ? S : never)[];
  fates: Fate[];
  tabs: number;
  isLockShared: boolean;
}) {
  const fates = [...options.fates];
  const world = createWorld({ nextFate: () => fates.shift() ?? "ok", isLockShared: options.isLockShared });
  const open = () => {
    const tab = world.openTab();
    void tab.queue.start();
    return tab;
  };
  const tabs = Array.from({ length: options.tabs }, open);
  const written: Written[] = [];
  let moment = 0;

  async function add(queue: (typeof tabs)[number]["queue"], roomId: string, isBad: boolean) {
    const content = `${isBad ? "bad" : "good"} ${written.length}`;
    if (isBad) world.refused.set(content, { code: "INVALID", message: "No." });
    const entry = { roomId, content, beganAt: ++moment, ackedAt: Number.POSITIVE_INFINITY, isDiscarded: false };
    written.push(entry);
    await queue.add({ roomId, content });
    entry.ackedAt = ++moment;
  }

  async function discard(queue: (typeof tabs)[number]["queue"], pick: number) {
    const items = queue.items.get().filter((item) => item.status !== "sent");
    const item = items[pick % items.length];
    if (!item) return;
    const wasTried = world.calls.some((call) => call.content === item.content);
    const isDone = await queue.discard(item.clientMessageId);
    const entry = written.find((one) => one.content === item.content)!;
    // One that was tried may be with the server already, and without a lock another tab may be about to try it.
    if (isDone) entry.isDiscarded = true;
    if (isDone && options.isLockShared && !wasTried && !world.calls.some((call) => call.content === item.content)) {
      world.refused.set(item.content, { code: "CONFLICT", message: "It was sent after it was discarded." });
    }
  }

  for (const { act, tab, room, pick, waitMs } of options.steps) {
    const index = tab % tabs.length;
    const { queue, kill } = tabs[index]!;
    if (act === "add" || act === "add bad") void add(queue, room, act === "add bad");
    if (act === "discard") void discard(queue, pick);
    if (act === "retry")
      for (const item of queue.items.get()) if (item.status === "failed") void queue.retry(item.clientMessageId);
    if (act === "nudge") queue.retryNow();
    if (act === "reload") {
      kill();
      tabs[index] = open();
    }
    await world.clock.advance(waitMs);
  }
  fates.length = 0;
  await world.clock.advance(5 * minuteMs);
  return { world, written, tabs };
}

async function expectNothingLostOrDoubled({ world, written, tabs }: Awaited<ReturnType<typeof play>>) {
  const failed = tabs.map(({ queue }) => queue.items.get().filter((item) => item.status === "failed"));
  for (const roomId of ["r1", "r2"]) {
    const posted = world.posted(roomId);
    expect(new Set(posted).size).toBe(posted.length);
    const ofRoom = written.filter((one) => one.roomId === roomId);
    for (const one of ofRoom) {
      const isAcked = Number.isFinite(one.ackedAt) && !one.isDiscarded;
      if (isAcked && one.content.startsWith("good")) expect(posted).toContain(one.content);
      if (one.content.startsWith("bad")) expect(posted).not.toContain(one.content);
      // Whoever looks sees what was refused, with the reason.
      if (isAcked && one.content.startsWith("bad")) {
        for (const items of failed)
          expect(items.find((item) => item.content === one.content)?.failure?.code).toBe("INVALID");
      }
    }
    const inOrder = posted.filter((content) => !ofRoom.find((one) => one.content === content)!.isDiscarded);
    for (const [index, content] of inOrder.entries()) {
      const one = ofRoom.find((entry) => entry.content === content)!;
      const later = inOrder.slice(index + 1).map((next) => ofRoom.find((entry) => entry.content === next)!);
      for (const other of later) expect(other.ackedAt).toBeGreaterThan(one.beganAt);
    }
  }
  for (const { queue } of tabs) {
    expect(queue.items.get().every((item) => item.status === "sent" || item.status === "failed")).toBe(true);
  }
  expect(await world.medium.keys("")).toHaveLength(failed[0]!.length);
  for (const { queue } of tabs) expect(queue.items.get().some((item) => item.failure?.code === "CONFLICT")).toBe(false);
  expect(world.faults).toEqual([]);
}

describe("OfflineQueue against a model", () => {
  const plays = fc.tuple(fc.array(aStep, { maxLength: 25 }), fc.array(aFate, { maxLength: 30 }));

  it.each([
    ["one tab", 1, true],
    ["two tabs with a lock between them", 2, true],
    ["two tabs without one", 2, false],
  ])(
    "posts everything written, once and in order, whatever is lost, reloaded, discarded or retried: %s",
    async (_, tabs, isLockShared) => {
      await fc.assert(
        fc.asyncProperty(plays, async ([steps, fates]) => {
          await expectNothingLostOrDoubled(await play({ steps, fates, tabs, isLockShared }));
        }),
        { numRuns: 60 },
      );
    },
  );
});
