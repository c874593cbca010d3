import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isA, isCaughtUp, ofRoom, wordsOf } from "../support/items.ts";
import { asOperator, operatorToken } from "../support/operator.ts";
import { hidden, TestDevice } from "../support/presence.ts";
import { TestUser } from "../support/user.ts";
import { TestBus } from "./test-bus.ts";

/** Where users are erased, and another node, which is told nothing: it compares with the database. */
let here: TestApp;
let deaf: TestApp;
let alice: TestUser;
let carol: TestUser;

const env = { OPERATOR_TOKEN: operatorToken };

beforeAll(async () => {
  const bus = new TestBus();
  bus.fate = "lost";
  here = await startTestApp({ bus: bus.open(), env: { ...env, NODE_ID: "here" } });
  const { databaseUrl } = here;
  const hub = { compareIntervalMs: 300 };
  deaf = await startTestApp({ bus: bus.open(), databaseUrl, env: { ...env, NODE_ID: "deaf" }, hub });
  alice = await TestUser.open(here, "alice");
  carol = await TestUser.open(deaf, "carol");
});

afterAll(async () => {
  await carol[Symbol.asyncDispose]();
  await deaf.close();
  await here.close();
});

async function erase(userId: string): Promise<void> {
  const { lines } = await asOperator(here, "erase", userId);
  expect(lines.at(-1)).not.toHaveProperty("error");
}

test("guarantee 5: who is erased gets nothing of the room any more, on a node that hears nothing of it", async () => {
  await using bob = await TestUser.open(deaf, "bob1");
  const roomId = await alice.createRoom("Room", [bob.id, carol.id]);
  const open = (user: TestUser) => [user.roomEvents(roomId), user.inbox()] as const;
  const [feed, inbox] = open(bob);
  const [others, othersInbox] = open(carol);
  for (const each of [feed, inbox, others, othersInbox]) await each.find(isCaughtUp);
  await erase(bob.id);
  await alice.send(roomId, "secret 1");
  await feed.end();
  await inbox.end();
  await others.find((item) => item.message?.content === "secret 1");
  await alice.send(roomId, "secret 2");
  for (const each of [others, othersInbox]) await each.find((item) => item.message?.content === "secret 2");
  expect(wordsOf(ofRoom(feed.all, roomId))).toEqual([]);
  expect(wordsOf(ofRoom(inbox.all, roomId))).toEqual([]);
  expect(others.all.filter(isA("MemberLeft"))).toMatchObject([{ user: { id: expect.stringMatching(/^erased:/) } }]);
});

test("who is erased is told no more who types or is here, and seen no more, on a node that hears nothing of it", async () => {
  const bob = await TestUser.open(deaf, "bob2");
  const roomId = await alice.createRoom("Room", [bob.id, carol.id]);
  await using bobs = await TestDevice.open(bob);
  await using carols = await TestDevice.open(carol);
  const typing = bobs.typing(roomId);
  const presence = bobs.presence({ roomId });
  const othersTyping = carols.typing(roomId);
  const othersPresence = carols.presence({ roomId });
  const ofBob = carols.presence({ userIds: [bob.id] });
  for (const each of [typing, presence, othersTyping, othersPresence, ofBob]) await each.next();
  await erase(bob.id);
  await presence.received.end();
  await typing.received.end();
  for (const each of [othersPresence, ofBob]) await each.sees(bob.id, hidden(bob.id));
  expect(await bobs.setTyping(roomId, true)).toMatchObject([{ code: "NOT_FOUND" }]);
  await carols.setTyping(roomId, true);
  await othersTyping.are([carol.id]);
  expect(typing.lists).toEqual([[]]);
});
