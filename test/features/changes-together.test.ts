import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(app, "bob");
});

afterAll(() => app.close());

test("of several changes in one operation each payload shows what is there after its own", async () => {
  const roomId = await alice.createRoom("Room", [bob.id]);
  const rename = (name: string) =>
    `updateRoom(input: { roomId: "${roomId}", name: "${name}" }) { room { name cursor } }`;
  const { first, second } = await alice.must<Record<string, { room: { name: string; cursor: string } }>>(
    `mutation { first: ${rename("First")} second: ${rename("Second")} }`,
  );
  expect(first!.room.name).toBe("First");
  expect(second!.room.name).toBe("Second");
  expect(second!.room.cursor > first!.room.cursor).toBe(true);
});

test("one who leaves in the midst of an operation sees no more of the room in what follows", async () => {
  const roomId = await alice.createRoom("Room", [bob.id]);
  const { id } = await alice.send(roomId, "text");
  const room = `room { memberCount membership { role } members { edges { node { id } } } messages { edges { node { id } } } }`;
  const { leave } = await bob.must<{ leave: { room: unknown } }>(
    `mutation {
      markRead(input: { roomId: "${roomId}", upToId: "${id}" }) { ${room} }
      leave: removeMember(input: { roomId: "${roomId}", userId: "bob" }) { ${room} }
    }`,
  );
  expect(leave.room).toEqual({ memberCount: 0, membership: null, members: { edges: [] }, messages: { edges: [] } });
});
