import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bucketOf } from "../../src/live/presence-board.keys.ts";
import type { PresenceBoard, PresenceStatus, Seen } from "../../src/live/presence-board.ts";
import { until } from "../support/until.ts";
import { backends, observe, presenceOf, session, shows } from "./presence-board-backends.ts";
import type { BoardBackend } from "./presence-board-backends.ts";
import { ManualClock } from "./presence-board-clocks.ts";

describe.for(Object.entries(backends))("presence board in %s", ([, start]) => {
  let backend: BoardBackend;
  let clock: ManualClock;
  // The clock that these tests move is not the one by which Redis lets leases run out.
  const timings = { leaseMs: 600_000, answerWithinMs: 600_000 };

  beforeAll(async () => void (backend = await start()));
  afterAll(() => backend?.close());
  beforeEach(() => void (clock = new ManualClock()));

  const open = () => backend.open({ clock, timings });

  test("an open session is seen on every node, on its own at once", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const ann = session(randomUUID(), { status: "AWAY", device: "MOBILE", roomId: "room 1" });
    expect(here.open(ann)).toBe("opened");
    const expected = {
      userId: ann.userId,
      status: "AWAY",
      devices: ["MOBILE"],
      roomIds: ["room 1"],
      lastSeenMs: null,
      profileRevision: 0,
    } as const;
    expect((await here.read([ann.userId])).users.get(ann.userId)).toEqual(expected);
    await shows(there, ann.userId, expected);
  });

  test("a user whom nobody has heard of is OFFLINE, and was never seen", async () => {
    await using nodes = await open();
    const userId = randomUUID();
    const { users, complete } = await nodes.there.read([userId, userId]);
    expect(complete).toBe(true);
    expect([...users]).toEqual([
      [userId, { userId, status: "OFFLINE", devices: [], roomIds: [], lastSeenMs: null, profileRevision: 0 }],
    ]);
  });

  test.for<[PresenceStatus[], PresenceStatus]>([
    [["AWAY", "BUSY", "ONLINE"], "BUSY"],
    [["ONLINE", "AWAY"], "ONLINE"],
    [["OFFLINE", "AWAY"], "AWAY"],
    [["OFFLINE", "OFFLINE"], "OFFLINE"],
  ])("sessions on two nodes that are %j add up to %s", async ([statuses, sum]) => {
    await using nodes = await open();
    const userId = randomUUID();
    statuses.forEach((status, at) => [nodes.here, nodes.there][at % 2]!.open(session(userId, { status })));
    await shows(nodes.here, userId, { status: sum });
    await shows(nodes.there, userId, { status: sum });
  });

  test("devices and rooms are those of the sessions that are not OFFLINE, the room changed last first", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const userId = randomUUID();
    const desk = session(userId, { device: "DESKTOP", roomId: "a" });
    here.open(desk);
    clock.advance(500);
    there.open(session(userId, { device: "WEB", roomId: "b" }));
    clock.advance(500);
    here.open(session(userId, { device: "MOBILE", roomId: "hidden", status: "OFFLINE" }));
    here.open(session(userId, { device: "WEB", roomId: "b" }));
    await shows(there, userId, { devices: ["WEB", "DESKTOP"], roomIds: ["b", "a"] });
    clock.advance(500);
    here.update(desk.sessionId, { roomId: "c" });
    await shows(there, userId, { devices: ["WEB", "DESKTOP"], roomIds: ["c", "b"] });
  });

  test("an update changes what it names and leaves the rest", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const bob = session(randomUUID(), { device: "DESKTOP", roomId: "r" });
    here.open(bob);
    expect(here.update(bob.sessionId, { status: "BUSY" })).toBe(true);
    await shows(there, bob.userId, { status: "BUSY", devices: ["DESKTOP"], roomIds: ["r"] });
    expect(here.update(bob.sessionId, { roomId: null })).toBe(true);
    await shows(there, bob.userId, { status: "BUSY", devices: ["DESKTOP"], roomIds: [] });
  });

  test("what there is no session of, or a closed one, cannot be updated", async () => {
    await using nodes = await open();
    const carol = session(randomUUID());
    expect(nodes.here.update(carol.sessionId, { status: "BUSY" })).toBe(false);
    nodes.here.open(carol);
    nodes.here.close(carol.sessionId);
    expect(nodes.here.update(carol.sessionId, { status: "BUSY" })).toBe(false);
    expect(await presenceOf(nodes.here, carol.userId)).toMatchObject({ status: "ONLINE" });
  });

  test.for([
    [false, 5_000],
    [true, 10_000],
  ] as const)(
    "a session closed with handover %s counts for %i ms more; last seen is when it was closed",
    async ([handover, graceMs]) => {
      await using nodes = await open();
      const { here, there } = nodes;
      const dora = session(randomUUID());
      const heard: Seen[] = [];
      here.onSeen((seen) => heard.push(seen));
      here.open(dora);
      await shows(there, dora.userId, { status: "ONLINE" });
      here.close(dora.sessionId, { handover });
      clock.advance(graceMs - 1);
      expect(await presenceOf(here, dora.userId)).toMatchObject({ status: "ONLINE" });
      expect(await presenceOf(there, dora.userId)).toMatchObject({ status: "ONLINE" });
      expect(heard).toEqual([]);
      clock.advance(1);
      const gone = await presenceOf(here, dora.userId);
      expect(gone).toMatchObject({ status: "OFFLINE", devices: [] });
      expect(heard).toEqual([{ userId: dora.userId, atMs: gone.lastSeenMs }]);
      await shows(there, dora.userId, { status: "OFFLINE", lastSeenMs: gone.lastSeenMs });
    },
  );

  test("a page that is loaded again within the grace is seen by nobody, on whichever node it comes back", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const erin = session(randomUUID(), { roomId: "r" });
    here.open(erin);
    await shows(there, erin.userId, { status: "ONLINE" });
    const observers = [await observe(here, [erin.userId]), await observe(there, [erin.userId])];
    here.close(erin.sessionId);
    clock.advance(4_999);
    const again = session(erin.userId, { roomId: "r" });
    there.open(again);
    await untilTold(there, here, erin.userId);
    clock.advance(60);
    there.update(again.sessionId, { status: "AWAY" });
    for (const { told } of observers) {
      await until("the next thing happens", () => told.length > 0);
      expect(told.map(({ status }) => status)).toEqual(["AWAY"]);
    }
  });

  test("appearing offline hides everything, and the user was last seen then", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const finn = session(randomUUID(), { roomId: "r" });
    here.open(finn);
    await shows(there, finn.userId, { status: "ONLINE" });
    const heard: Seen[] = [];
    here.onSeen((seen) => heard.push(seen));
    here.update(finn.sessionId, { status: "OFFLINE" });
    const hidden = await presenceOf(here, finn.userId);
    expect(hidden).toMatchObject({ status: "OFFLINE", devices: [], roomIds: [] });
    expect(heard).toEqual([{ userId: finn.userId, atMs: hidden.lastSeenMs }]);
    expect([...here.usersHere()]).not.toContain(finn.userId);
    await shows(there, finn.userId, { status: "OFFLINE", devices: [], lastSeenMs: hidden.lastSeenMs });
    // Leaving for good is no news: nothing of it shows.
    here.close(finn.sessionId);
    clock.advance(5_000);
    expect(await presenceOf(here, finn.userId)).toEqual(hidden);
    expect(heard).toHaveLength(1);
  });

  test("a watch has the present state, then is told the changes, each as a whole", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const [gus, hana] = [session(randomUUID()), session(randomUUID())];
    here.open(gus);
    await shows(there, gus.userId, { status: "ONLINE" });
    const observer = await observe(there, [gus.userId, hana.userId]);
    expect(observer.current(gus.userId).status).toBe("ONLINE");
    expect(observer.current(hana.userId).status).toBe("OFFLINE");
    here.open(hana);
    await until("hana is told of", () => observer.told.length === 1);
    here.update(gus.sessionId, { status: "BUSY", roomId: "r" });
    await until("gus is told of", () => observer.told.length === 2);
    expect(observer.told).toMatchObject([
      { userId: hana.userId, status: "ONLINE", devices: ["WEB"] },
      { userId: gus.userId, status: "BUSY", devices: ["WEB"], roomIds: ["r"] },
    ]);
    expect(observer.current(gus.userId)).toEqual(observer.told[1]);
  });

  test("a watch grows and shrinks: what is added is known and not told, what is removed is not told any more", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const [ida, jon, kim] = [session(randomUUID()), session(randomUUID()), session(randomUUID())];
    for (const each of [ida, jon, kim]) here.open(each);
    for (const each of [ida, jon, kim]) await shows(there, each.userId, { status: "ONLINE" });
    const observer = await observe(there, [ida.userId]);
    expect(await observer.add([ida.userId, jon.userId, kim.userId])).toBe("watching");
    expect(observer.current(jon.userId).status).toBe("ONLINE");
    observer.remove([ida.userId, "nobody"]);
    const other = await observe(there, [ida.userId]);
    for (const each of [ida, jon, kim]) here.update(each.sessionId, { status: "AWAY" });
    await until("the others are told of", () => observer.told.length === 2 && other.told.length === 1);
    expect(observer.told.map(({ userId }) => userId).sort()).toEqual([jon.userId, kim.userId].sort());
    observer.close();
    other.close();
    expect(there.stats.watchedUsersNow).toBe(0);
    here.update(jon.sessionId, { status: "BUSY" });
    await shows(there, jon.userId, { status: "BUSY" });
    expect(observer.told).toHaveLength(2);
  });

  test("a listener that throws hinders no other", async () => {
    await using nodes = await open();
    const lea = session(randomUUID());
    await nodes.here.watch([lea.userId], () => {
      throw new Error("of the test");
    });
    const observer = await observe(nodes.here, [lea.userId]);
    nodes.here.onSeen(() => {
      throw new Error("of the test");
    });
    const heard: Seen[] = [];
    nodes.here.onSeen((seen) => heard.push(seen));
    nodes.here.open(lea);
    nodes.here.update(lea.sessionId, { status: "OFFLINE" });
    expect(observer.told.map(({ status }) => status)).toEqual(["ONLINE", "OFFLINE"]);
    expect(heard).toHaveLength(1);
  });

  test("a profile's revision reaches whoever watches, and never goes back", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const userId = randomUUID();
    const observers = [await observe(here, [userId]), await observe(there, [userId])];
    here.announceProfile(userId, 7);
    for (const { told } of observers) await until("it is told", () => told.length > 0);
    there.announceProfile(userId, 5);
    there.announceProfile(userId, 8);
    for (const { told } of observers) {
      await until("it is told", () => told.length > 1);
      expect(told.map(({ profileRevision }) => profileRevision)).toEqual([7, 8]);
    }
    await shows(here, userId, { profileRevision: 8 });
  });

  test("beyond its limits the board says that it is full, and nothing is added", async () => {
    await using nodes = await backend.open({ clock, timings, limits: { maxSessions: 2, maxWatchedUsers: 2 } });
    const { here } = nodes;
    const [one, two, three] = [session(randomUUID()), session(randomUUID()), session(randomUUID())];
    expect([one, two, three].map((each) => here.open(each))).toEqual(["opened", "opened", "full"]);
    expect(await presenceOf(here, three.userId)).toMatchObject({ status: "OFFLINE" });
    expect(here.open({ ...two, status: "BUSY" })).toBe("opened");
    expect(await presenceOf(here, two.userId)).toMatchObject({ status: "BUSY" });

    const observer = await observe(here, [one.userId, two.userId]);
    expect(await here.watch([one.userId, three.userId], () => {})).toBe("full");
    expect(await observer.add([three.userId])).toBe("full");
    expect(here.stats.watchedUsersNow).toBe(2);
    // Watching whom another watches already costs nothing more.
    expect(await here.watch([one.userId], () => {})).not.toBe("full");
  });

  test("a node knows for which users it is to keep last-seen fresh", async () => {
    await using nodes = await open();
    const [max, nia] = [session(randomUUID()), session(randomUUID(), { status: "OFFLINE" })];
    nodes.here.open(max);
    nodes.here.open(session(max.userId));
    nodes.here.open(nia);
    expect([...nodes.here.usersHere()]).toEqual([max.userId]);
  });

  test("a node that drains is no longer among the nodes, and its sessions stay", async () => {
    await using nodes = await open();
    const { here, there } = nodes;
    const olaf = session(randomUUID());
    here.open(olaf);
    const before = new Set([...here.nodes(), ...there.nodes()].map(({ nodeId }) => nodeId));
    here.drain();
    await until("the node is gone from the list", () => {
      clock.advance(2_000);
      return there.nodes().length < before.size;
    });
    await shows(there, olaf.userId, { status: "ONLINE" });
  });

  test("a wall clock that jumps ends nobody's session, and shifts no grace", async () => {
    await using nodes = await open();
    const pia = session(randomUUID());
    nodes.here.open(pia);
    clock.jumpWall(3_600_000);
    nodes.here.close(pia.sessionId);
    clock.jumpWall(-7_200_000);
    clock.advance(4_999);
    expect(await presenceOf(nodes.here, pia.userId)).toMatchObject({ status: "ONLINE" });
    clock.advance(1);
    expect(await presenceOf(nodes.here, pia.userId)).toMatchObject({ status: "OFFLINE" });
  });

  test.for(["__proto__", "constructor", "a b\nc", "{p:00}", "ünï 🦊", "quote \" ' \\", "0", ":s:", "x".repeat(255)])(
    "%j is a name like any other",
    async (name) => {
      await using nodes = await open();
      const { here, there } = nodes;
      const quinn = session(`${name}${randomUUID()}`, { roomId: name });
      const observer = await observe(there, [quinn.userId]);
      here.open(quinn);
      await until("it is told", () => observer.told.length > 0);
      expect(observer.told[0]).toMatchObject({ userId: quinn.userId, roomIds: [name] });
      expect(await presenceOf(there, quinn.userId)).toEqual(observer.told[0]);
    },
  );
});

/** Waits until what one node did to a user so far has come to the other: what it does in the same bucket comes after it. */
async function untilTold(from: PresenceBoard, to: PresenceBoard, userId: string): Promise<void> {
  const fence = Iterator.from({ next: () => ({ value: randomUUID(), done: false }) }).find(
    (id) => bucketOf(id) === bucketOf(userId),
  )!;
  const observer = await observe(to, [fence]);
  from.open(session(fence));
  await until("the fence is told of", () => observer.told.length > 0);
  observer.close();
}
