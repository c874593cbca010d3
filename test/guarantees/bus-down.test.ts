import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isA, isCaughtUp, ofRoom, wordsOf } from "../support/items.ts";
import { TestUser } from "../support/user.ts";
import { TestBus } from "./test-bus.ts";

/** What architecture.md allows. */
const limitMs = 5_000;

describe.each([
  { name: "loses everything and does not know it", up: true },
  { name: "is known to be down", up: false },
])("with a bus that $name", ({ up }) => {
  let here: TestApp;
  let there: TestApp;
  let alice: TestUser;
  let bob: TestUser;

  beforeAll(async () => {
    const bus = new TestBus();
    bus.fate = "lost";
    // What comes on this node comes by itself: no comparison helps.
    const hub = { compareIntervalMs: 600_000 };
    here = await startTestApp({ bus: bus.open({ up }), env: { NODE_ID: "here" }, hub });
    there = await startTestApp({ bus: bus.open({ up }), databaseUrl: here.databaseUrl, env: { NODE_ID: "there" } });
    alice = await TestUser.open(here, "alice");
    bob = await TestUser.open(there, "bob");
    await TestUser.open(here, "carol");
  });

  afterAll(async () => {
    await bob[Symbol.asyncDispose]();
    await alice[Symbol.asyncDispose]();
    await there.close();
    await here.close();
  });

  test("guarantee 2: other nodes deliver within 5 s, each event once and in order, and the own node at once", async () => {
    const roomId = await alice.createRoom("Down", ["bob"]);
    await using near = alice.roomEvents(roomId);
    await using far = bob.roomEvents(roomId);
    await near.find(isCaughtUp);
    await far.find(isCaughtUp);
    const contents = Array.from({ length: 120 }, (_, index) => `message ${index}`);
    for (const content of contents) await alice.send(roomId, content);
    await near.find((item) => item.message?.content === contents.at(-1));
    await far.find((item) => item.message?.content === contents.at(-1), limitMs);
    expect(wordsOf(near.all)).toEqual(["CaughtUp", ...contents]);
    expect(wordsOf(far.all)).toEqual(["CaughtUp", ...contents]);
    expect(far.all.slice(2).map((item) => item.previousCursor)).toEqual(
      far.all.slice(1, -1).map((item) => item.cursor),
    );
  });

  test("guarantee 2: an inbox on another node hears of a new room, and of a removal, within 5 s", async () => {
    await using inbox = bob.inbox();
    await inbox.find(isCaughtUp);
    const roomId = await alice.createRoom("Later", ["bob", "carol"]);
    await inbox.find((item) => isA("MemberJoined")(item) && item.room!.id === roomId, limitMs);
    await alice.send(roomId, "welcome");
    await inbox.find((item) => item.message?.content === "welcome", limitMs);
    await alice.mutate("removeMember", { roomId, userId: "bob" });
    await alice.send(roomId, "secret");
    await inbox.find(isA("MemberLeft"), limitMs);
    expect(wordsOf(ofRoom(inbox.all, roomId))).toEqual(["MemberJoined", "MemberJoined", "welcome", "MemberLeft"]);
  });
});
