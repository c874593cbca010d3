import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { backUp } from "../support/backup.ts";
import { beginningOf, isCaughtUp, wordsOf } from "../support/items.ts";
import { hidden, presenceOf, TestDevice } from "../support/presence.ts";
import { seriesOf } from "../support/series.ts";
import { until } from "../support/until.ts";
import { TestUser, type Item, type Received } from "../support/user.ts";

/** Two looks at the database. */
const limitMs = 5_000;

const reset = [{ extensions: { code: "CURSOR_RESET" } }];

/** Until the server has found out that its connections are cut, what it is asked for may fail. */
async function untilServed(user: TestUser): Promise<void> {
  await until(
    "the server has connections again",
    async () => !(await user.ask("{ rooms { edges { cursor } } }")).errors,
  );
}

async function sendAll(user: TestUser, roomId: string, contents: string[]): Promise<void> {
  for (const content of contents) await user.send(roomId, content);
}

const has = (content: string) => (item: Item) => item.message?.content === content;

async function endsWithReset(received: Received<unknown>): Promise<void> {
  await received.end(limitMs);
  expect(received.errors).toMatchObject(reset);
}

describe("a database that goes back under a running node", () => {
  let app: TestApp;
  let alice: TestUser;
  let bob: TestUser;

  async function start(compareIntervalMs: number): Promise<void> {
    app = await startTestApp({ hub: { compareIntervalMs } });
    alice = await TestUser.open(app, "alice");
    bob = await TestUser.open(app, "bob");
  }

  afterEach(async () => {
    await bob[Symbol.asyncDispose]();
    await app.close();
  });

  describe("and stands still", () => {
    beforeEach(() => start(2_000));

    test("resets whoever reads a room that lost something, and nobody else", async () => {
      const roomId = await alice.createRoom("Lost", ["bob"]);
      const quietId = await alice.createRoom("Quiet", ["bob"]);
      await sendAll(alice, roomId, ["kept"]);
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      await using room = bob.roomEvents(roomId);
      await using inbox = bob.inbox();
      await using quiet = bob.roomEvents(quietId);
      for (const received of [room, inbox, quiet]) await received.find(isCaughtUp);
      await sendAll(alice, roomId, ["lost 1", "lost 2"]);
      const { cursor } = await room.find(has("lost 2"));

      await backup.restore();
      await endsWithReset(room);
      await endsWithReset(inbox);
      expect((await seriesOf(app)).get("causerie_room_resets_total")).toBe(1);
      await untilServed(bob);
      await using resumed = bob.roomEvents(roomId, { after: cursor });
      await endsWithReset(resumed);

      await using anew = bob.roomEvents(roomId, { after: beginningOf(roomId) });
      await anew.find(isCaughtUp);
      await sendAll(alice, roomId, ["since"]);
      await anew.find(has("since"));
      expect(wordsOf(anew.all).filter((word) => !word.startsWith("Member"))).toEqual(["kept", "CaughtUp", "since"]);
      await alice.send(quietId, "still here");
      await quiet.find(has("still here"));
      expect(wordsOf(quiet.all)).toEqual(["CaughtUp", "still here"]);
    });

    test("ends the subscriptions of a room that it does not have at all", async () => {
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      const roomId = await alice.createRoom("Gone", ["bob"]);
      await using room = bob.roomEvents(roomId);
      await room.find(isCaughtUp);
      await backup.restore();
      await endsWithReset(room);
      await untilServed(bob);
      await using again = bob.roomEvents(roomId);
      await again.end(limitMs);
      expect(again.errors).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
    });
  });

  describe("and has other members", () => {
    beforeEach(() => start(200));

    test("ends the presence and the typing of a room for whoever is none of them, and goes on for the others", async () => {
      await using carol = await TestUser.open(app, "carol");
      await using dave = await TestUser.open(app, "dave");
      const roomId = await alice.createRoom("Room", [carol.id, dave.id]);
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      await alice.mutate("addMember", { roomId, userId: bob.id });
      await alice.mutate("removeMember", { roomId, userId: dave.id });
      await using bobs = await TestDevice.open(bob);
      await using carols = await TestDevice.open(carol);
      const presences = [bobs.presence({ roomId }), carols.presence({ roomId })] as const;
      const typing = [bobs.typing(roomId), carols.typing(roomId)] as const;
      for (const received of [...presences, ...typing]) await received.next();
      expect(presences[1].states.has(dave.id)).toBe(false);
      await bobs.setPresence({ currentRoomId: roomId });

      await backup.restore();
      await presences[0].received.end(limitMs);
      await typing[0].received.end(limitMs);
      expect(presences[0].states.get(alice.id)).toEqual(hidden(alice.id));
      await presences[1].received.until(() => presences[1].states.has(dave.id));
      expect(presences[1].states.get(bob.id)).toEqual(hidden(bob.id));
      await untilServed(alice);
      await alice.mutate("setPresence", { customStatus: "of the room" });
      await presences[1].sees(alice.id, { customStatus: "of the room" });
      await alice.mutate("setTyping", { roomId, isTyping: true });
      await typing[1].are([alice.id]);
      expect(typing[0].lists).toEqual([[]]);
      expect(await bobs.setTyping(roomId, true)).toMatchObject([{ code: "NOT_FOUND" }]);
      // Who comes back is not where they were.
      await alice.mutate("addMember", { roomId, userId: bob.id });
      expect(await presenceOf(carol, [bob.id])).toMatchObject([{ id: bob.id, currentRoom: null }]);
    });

    test("tells the presence of users to nobody who shares no room with them", async () => {
      await bob.createRoom("Bob's own");
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      await alice.createRoom("Shared", [bob.id]);
      await using device = await TestDevice.open(bob);
      const observed = device.presence({ userIds: [alice.id] });
      await observed.next();
      await backup.restore();
      await observed.received.until(() => observed.lists.length === 2, limitMs);
      await untilServed(alice);
      await alice.mutate("setPresence", { customStatus: "not for bob" });
      await alice.createRoom("Shared again", [bob.id]);
      await observed.sees(alice.id, { customStatus: "not for bob" });
      expect(observed.of(alice.id).slice(1)).toMatchObject([hidden(alice.id), { customStatus: "not for bob" }]);
    });
  });

  describe("and has other profiles", () => {
    beforeEach(() => start(600_000));

    test("tells followers a status that is set with a revision that was told before", async () => {
      await alice.createRoom("Room", [bob.id]);
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      await using device = await TestDevice.open(bob);
      const observed = device.presence({ userIds: [alice.id] });
      await observed.next();
      for (const customStatus of ["lost 1", "lost 2", "lost 3"]) {
        await alice.mutate("setPresence", { customStatus });
        await observed.sees(alice.id, { customStatus });
      }
      await backup.restore();
      await untilServed(alice);
      await alice.mutate("setPresence", { customStatus: "present" });
      await observed.sees(alice.id, { customStatus: "present" });
    });
  });

  describe("and goes on at once, past where it was", () => {
    // No comparison helps.
    beforeEach(() => start(600_000));

    test("resets readers with the first thing that takes a revision again", async () => {
      const roomId = await alice.createRoom("Overtaken", ["bob"]);
      const backup = await backUp(app.databaseUrl);
      await untilServed(alice);
      await using room = bob.roomEvents(roomId);
      await room.find(isCaughtUp);
      await sendAll(alice, roomId, ["lost 1", "lost 2"]);
      await room.find(has("lost 2"));
      await backup.restore();
      await untilServed(alice);
      await sendAll(alice, roomId, ["new 1", "new 2", "new 3"]);
      await endsWithReset(room);
      expect(wordsOf(room.all)).toEqual(["CaughtUp", "lost 1", "lost 2"]);
      await using anew = bob.roomEvents(roomId);
      await anew.find(isCaughtUp);
      await sendAll(alice, roomId, ["new 4"]);
      await anew.find(has("new 4"));
    });
  });
});
