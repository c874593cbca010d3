import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice", { name: "Alice" });
  bob = await TestUser.open(app, "bob", { name: "Bob" });
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
  await app.close();
});

test("what one sends the other gets at once, and can page back to", async () => {
  const roomId = await alice.createRoom("Tea", ["bob"]);
  await using feed = bob.roomEvents(roomId);
  const caughtUp = await feed.next();
  expect(caughtUp).toMatchObject({ __typename: "CaughtUp", cursors: [`${roomId}.0000000000000002`] });

  const sent = await alice.send(roomId, "héllo ☕ 🫖");
  const event = await feed.next();
  expect(event).toMatchObject({
    __typename: "MessageSent",
    cursor: sent.position,
    previousCursor: `${roomId}.0000000000000002`,
    message: { id: sent.id, content: "héllo ☕ 🫖", sender: { id: "alice", name: "Alice" } },
  });

  const { room } = await bob.must<{ room: { messages: { edges: { node: { id: string } }[] } } }>(
    `query ($id: ID!) { room(id: $id) { messages { edges { node { id } } } } }`,
    { id: roomId },
  );
  expect(room.messages.edges.map(({ node }) => node.id)).toEqual([sent.id]);
});

test("a reader that resumes with its cursor gets what it missed, then goes on live", async () => {
  const roomId = await alice.createRoom("Tea", ["bob"]);
  const first = await alice.send(roomId, "one");
  await alice.send(roomId, "two");
  await alice.send(roomId, "three");
  await using feed = bob.roomEvents(roomId, { after: first.position });
  expect((await feed.next()).message?.content).toBe("two");
  expect((await feed.next()).message?.content).toBe("three");
  expect((await feed.next()).__typename).toBe("CaughtUp");
  await alice.send(roomId, "four");
  const live = await feed.next();
  expect(live).toMatchObject({ message: { content: "four" }, previousCursor: feed.all[1]!.cursor });
});

test("the inbox tells of all rooms, and of rooms joined later", async () => {
  const early = await alice.createRoom("Early", ["bob"]);
  await using inbox = bob.inbox();
  const caughtUp = await inbox.next();
  expect(caughtUp.__typename).toBe("CaughtUp");
  await alice.send(early, "in the early room");
  expect(await inbox.next()).toMatchObject({ room: { id: early }, message: { content: "in the early room" } });

  const late = await alice.createRoom("Late", ["bob"]);
  const joined = await inbox.find((item) => item.room?.id === late);
  expect(joined).toMatchObject({ __typename: "MemberJoined", member: { user: { id: "bob" } }, previousCursor: null });
  await alice.send(late, "in the late room");
  expect(await inbox.next()).toMatchObject({ room: { id: late }, message: { content: "in the late room" } });
});
