import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { changeKinds, type ChangeKind } from "../../src/log/changes.ts";
import { notFound } from "../../src/errors.ts";
import { seedOf } from "../support/app.ts";
import type { ModelClient } from "./model-client.ts";
import type { ModelRoom } from "./model-room.ts";
import { ModelWorld, type Asking, type Door, type Fate, type From } from "./model-world.ts";

const roomIds = ["00000000-0000-4000-8000-00000000000a", "00000000-0000-4000-8000-00000000000b"];
const userIds = ["ann", "ben", "cat"];

const changes = ["send", "send3", "edit", "edit", "delete", "read", "leave", "join", "role", "rename"] as const;
const happenings = [
  ...(["settle", "settle", "rest", "rest", "fail", "held", "compare"] as const),
  ...(["open", "close", "slow", "fast", "tick"] as const),
] as const;
const fates: Fate[] = ["local", "bus", "doubled", "held", "lost"];

type Change = { change: (typeof changes)[number]; fate: Fate; room: number; who: number };
type Step = Change | { happens: (typeof happenings)[number]; index: number };
type Listener = ModelWorld["clients"][number];
type Audience = { who: number; door: Door; asking: Asking; kinds: ChangeKind[]; room: number; from: From };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    change: fc.constantFrom(...changes),
    fate: fc.constantFrom(...fates),
    room: fc.nat(1),
    who: fc.nat(userIds.length - 1),
  }),
  fc.record({ happens: fc.constantFrom(...happenings), index: fc.nat(5) }),
);
const audience: fc.Arbitrary<Audience> = fc.record({
  who: fc.nat(userIds.length - 1),
  door: fc.constantFrom<Door>("roomEvents", "inbox"),
  asking: fc.constantFrom<Asking>("event", "room", "viewer"),
  kinds: fc.constantFrom<ChangeKind[]>([...changeKinds], [...changeKinds], ["MESSAGE"], ["RECEIPT", "ROOM"]),
  room: fc.nat(1),
  from: fc.constantFrom<From>("the beginning", "the beginning", "now"),
});

const everything = { kinds: [...changeKinds], room: 0, from: "the beginning", asking: "event" } as const;
const inRoom = (who: number): Audience => ({ ...everything, kinds: [...changeKinds], who, door: "roomEvents" });
const happens = (what: (typeof happenings)[number], index = 0): Step => ({ happens: what, index });
const resting = happens("rest");
const lost = (what: Change["change"]): Step => ({ change: what, fate: "lost", room: 0, who: 0 });

const comparing = [happens("compare"), resting, happens("tick"), resting];
const comingLate = [happens("close", 1), resting, lost("send"), happens("open", 1), resting];
/** What chance brings about too seldom. */
const examples: [Audience[], Step[]][] = [
  // A reader ahead of its node, between a message and its edit, both of which the node then reads as one,
  [
    [inRoom(0), inRoom(0)],
    [...comingLate, lost("edit"), ...comparing],
  ],
  // and one that was away when it did.
  [
    [inRoom(0), inRoom(0)],
    [...comingLate, happens("close", 1), lost("edit"), ...comparing, happens("open", 1), resting],
  ],
];

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] }));
afterEach(() => vi.useRealTimers());

/** What is ready to run runs. */
const turn = () => new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));

function change(world: ModelWorld, { change: what, fate, room: index, who }: Change): void {
  const room = world.log.room(index);
  const userId = userIds[who]!;
  switch (what) {
    case "send":
    case "send3":
      return world.publish(room.send(userId, what === "send" ? 1 : 3), fate);
    case "edit":
      return world.publish(room.edit(who * 2), fate);
    case "delete":
      return world.publish(room.delete(who * 3), fate);
    case "read":
      return world.publish(room.read(userId, 2), fate);
    case "leave":
      return world.publish(world.log.moved(userId, room.leave(userId)), fate, userId);
    case "join":
      return world.publish(world.log.moved(userId, room.join(userId)), fate, userId);
    case "role":
      return world.publish(room.setRole(userId), fate);
    case "rename":
      return world.publish(room.rename(), fate);
  }
}

/** All that is waited for is answered, and what it leads to. */
async function answerAll(world: ModelWorld): Promise<void> {
  for (let left = 1_000; world.isWaiting; left--) {
    if (left === 0) throw new Error("It never comes to rest.");
    world.settle(0);
    await turn();
  }
}

function happen(world: ModelWorld, what: (typeof happenings)[number], index: number): void | Promise<void> {
  const chosen = world.clients[index % world.clients.length];
  switch (what) {
    case "settle":
      return world.settle(index);
    case "rest":
      return answerAll(world);
    case "fail":
      return world.settle(index, true);
    case "held":
      return world.deliverHeld(index);
    case "compare":
      return void world.hub.compare();
    case "open":
      return chosen && world.open(chosen);
    case "close":
      return chosen?.client.sink?.close();
    case "slow":
    case "fast":
      return chosen?.client.sink?.setSlow(what === "slow");
    case "tick":
      return void vi.advanceTimersByTime(100);
  }
}

/** Everything is answered, everybody is connected and quick, and the node compares with the database. */
async function settleAll(world: ModelWorld): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    for (const chosen of world.clients) {
      chosen.client.sink?.setSlow(false);
      world.open(chosen);
    }
    void world.hub.compare();
    await turn();
    for (let rounds = 0; world.isWaiting; rounds++) {
      if (rounds > 5_000) throw new Error("It never comes to rest.");
      if (rounds % 20 === 0) for (const { client } of world.clients) client.sink?.resetAsked();
      world.settle(0);
      vi.advanceTimersByTime(50);
      await turn();
    }
    vi.advanceTimersByTime(2_000);
    await turn();
    await answerAll(world);
  }
}

/** One more message in each room reaches everybody who may see it, without a look at the database. */
async function checkAllLive(world: ModelWorld): Promise<void> {
  for (const room of world.log.rooms.values()) {
    world.publish(room.send(userIds[0]!), "bus");
    await turn();
    await answerAll(world);
    for (const { client, door, roomId } of world.clients) {
      const isDue = client.isOpen && client.kinds.has("MESSAGE") && room.isMember(client.userId);
      if (isDue && (door === "inbox" || roomId === room.id)) expect(client.replicaOf(room.id).held).toBe(room.revision);
    }
  }
}

/** What the client has put together is what the room is, as far as the client may see it and asked for it. */
function compareWithLog({ client, door, from }: Listener, room: ModelRoom): void {
  const stays = room.stays.get(client.userId) ?? [];
  const replica = client.replicaOf(room.id);
  if (stays.length === 0) return expect(replica.held, "knows of a room it never was in").toBe(0);
  const { to } = stays.at(-1)!;
  const until = to ?? room.revision;
  if (to === null && client.kinds.has("MEMBER")) expect(replica.held, "knows nothing of its room").toBeGreaterThan(0);
  if (to !== null && replica.held === 0) return;
  const base = from === "now" && replica.first > 0 ? replica.first - Number(replica.beganWithEvent) : baseOf();
  // An inbox begins with the joining, a room's feed where it was asked to.
  function baseOf(): number {
    const known = replica.first || room.revision;
    return door === "inbox" ? stays.findLast((stay) => stay.from - 1 <= known)!.from - 1 : 0;
  }
  if (client.kinds.has("MESSAGE")) compareMessages({ client, room, base, until });
  if (client.kinds.has("RECEIPT")) {
    const due = room.ranges.filter((range) => range.revision > base && range.revision <= until);
    const got = replica.ranges.map((range) => range.from);
    expect(got, "receipts come once").toHaveLength(new Set(got).size);
    expect(got).toEqual(expect.arrayContaining(due.map((range) => range.from)));
  }
  if (client.kinds.has("MEMBER")) {
    for (const member of room.members.values()) {
      if (member.revision <= base || member.revision > until) continue;
      expect(replica.members.get(member.userId), `member ${member.userId}`).toEqual(member);
    }
  }
  if (client.kinds.has("ROOM") && room.row.roomRevision > base && room.row.roomRevision <= until)
    expect(replica.roomRevision).toBe(room.row.roomRevision);
  if (to !== null) expect(replica.leaves.filter((revision) => revision === to)).toEqual([to]);
}

function compareMessages(options: { client: ModelClient; room: ModelRoom; base: number; until: number }): void {
  const { client, room, base, until } = options;
  const { messages, sent } = client.replicaOf(room.id);
  for (const message of room.messages) {
    const what = `message ${message.position}`;
    if (message.position > base && message.position <= until) expect(sent.get(message.id) ?? 0, what).toBe(1);
    if (message.revision > base && message.revision <= until) expect(messages.get(message.id), what).toEqual(message);
  }
}

test("whatever the bus loses, doubles or delays, each client ends with the log, in order, and no more than it may see", async () => {
  const seed = seedOf("feed against the model");
  await fc.assert(
    fc.asyncProperty(
      fc.array(audience, { minLength: 1, maxLength: 5 }),
      fc.array(step, { minLength: 1, maxLength: 80, size: "max" }),
      async (audiences, steps) => {
        await using world = new ModelWorld(roomIds);
        for (const index of [0, 1]) {
          for (const userId of userIds.slice(0, 2)) world.log.moved(userId, world.log.room(index).join(userId));
        }
        for (const { who, kinds, room, ...rest } of audiences) {
          world.addClient({ ...rest, userId: userIds[who]!, kinds: new Set(kinds), roomId: roomIds[room]! });
        }
        for (const chosen of world.clients) world.open(chosen);
        for (const one of steps) {
          if ("change" in one) change(world, one);
          else await happen(world, one.happens, one.index);
          await turn();
          for (const { client } of world.clients) client.sink?.resetAsked();
        }
        await settleAll(world);
        await checkAllLive(world);
        for (const listener of world.clients) {
          const { client, door, roomId } = listener;
          expect(client.violations).toEqual([]);
          if (client.isOpen) expect(client.isCaughtUp).toBe(true);
          else expect(client.sink?.failure ?? notFound("room")).toMatchObject({ code: "NOT_FOUND" });
          for (const room of world.log.rooms.values()) {
            if (door === "inbox" || room.id === roomId) compareWithLog(listener, room);
          }
        }
        for (const { client } of world.clients) client.sink?.close();
        expect([world.hub.watchedRooms, world.hub.groups]).toEqual([0, 0]);
      },
    ),
    {
      seed,
      examples,
      numRuns: Number(process.env.FEED_RUNS ?? 1_000),
      endOnFailure: process.env.FEED_NO_SHRINK === "1",
    },
  );
}, 600_000);
