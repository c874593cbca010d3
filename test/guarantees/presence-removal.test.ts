import { afterAll, beforeAll, expect, test } from "vitest";
import type { Bus } from "../../src/live/bus.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { hidden, TestDevice } from "../support/presence.ts";
import { TestUser } from "../support/user.ts";
import { TestBus } from "./test-bus.ts";

let here: TestApp;
/** Hears of rooms, and not of users; it does not compare with the database either. */
let there: TestApp;

beforeAll(async () => {
  const bus = new TestBus();
  here = await startTestApp({ bus: bus.open(), env: { NODE_ID: "here" } });
  const { databaseUrl } = here;
  const hub = { compareIntervalMs: 600_000 };
  there = await startTestApp({ bus: withoutUsers(bus.open()), databaseUrl, env: { NODE_ID: "there" }, hub });
});

afterAll(async () => {
  await there.close();
  await here.close();
});

function withoutUsers(bus: Bus): Bus {
  const silent = { acknowledged: Promise.resolve(true), close: async () => undefined };
  return {
    ...bus,
    subscribe: (channel, listener) => (channel.startsWith("user:") ? silent : bus.subscribe(channel, listener)),
  };
}

test("guarantee 5: whom the room's log tells of their removal sees nobody's presence any more, though the news of themselves were lost", async () => {
  const alice = await TestUser.open(here, "alice");
  const bob = await TestUser.open(here, "bob");
  const roomId = await alice.createRoom("Room", [bob.id]);
  await using alices = await TestDevice.open(alice.at(there));
  await using bobs = await TestDevice.open(bob.at(there));
  await using ofAlice = bobs.presence({ userIds: [alice.id] });
  await ofAlice.sees(alice.id, { status: "ONLINE" });
  await alice.mutate("removeMember", { roomId, userId: bob.id });
  await ofAlice.sees(alice.id, hidden(alice.id));
  await alices.setPresence({ status: "BUSY", customStatus: "not for Bob" });
  const others = alices.presence({ userIds: [alice.id] });
  await others.sees(alice.id, { status: "BUSY" });
  expect(JSON.stringify(ofAlice.lists)).not.toContain("not for Bob");
});
