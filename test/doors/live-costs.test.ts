import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";
import { EventReader } from "./events.ts";
import { WireSocket } from "./wire.ts";

// A message is executed for each selection that differs: without a bound one user has 2,000 of them for a room.
let app: TestApp;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  roomId = await alice.createRoom("Tea", []);
});
afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

/** As costly as one may be with aliases alone, and unlike all others. */
function textOf(name: string): string {
  const contents = Array.from({ length: 29 }, (_, index) => `${name}${index}: content`).join(" ");
  return `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { ... on MessageSent { message { ${contents} } } } }`;
}

/** Whether a subscription was refused; else it is open. */
async function isRefused(wire: WireSocket, id: string, text: string, variables = {}): Promise<boolean> {
  wire.subscribe(id, text, variables);
  const { type, payload } = await wire.until(id);
  expect(type).toBe("next");
  return JSON.stringify(payload).includes('"code":"RATE_LIMITED"');
}

test("one user's subscriptions that ask differently are refused once they cost too much, over both doors; those alike are not", async () => {
  await using first = await WireSocket.begin(app, "alice");
  await using second = await WireSocket.begin(app, "alice");
  const refuses = (wire: WireSocket, id: string, name: string) => isRefused(wire, id, textOf(name), { roomId });
  let opened = 0;
  while (!(await refuses(opened % 2 === 0 ? first : second, `of ${opened}`, `a${opened}x`))) {
    opened += 1;
    expect(opened).toBeLessThan(50);
  }
  expect(opened).toBeGreaterThanOrEqual(10);
  for (let index = 0; index < 20; index++) expect(await refuses(second, `alike ${index}`, "a0x")).toBe(false);

  await using stream = await EventReader.open(app, {
    token: alice.token,
    query: textOf("stream"),
    variables: { roomId },
  });
  expect(await stream.next()).toMatchObject({ data: { errors: [{ extensions: { code: "RATE_LIMITED" } }] } });
  // Bob's are his own.
  const bob = await TestUser.open(app, "bob");
  await alice.mutate("addMember", { roomId, userId: "bob" });
  await using wire = await WireSocket.begin(app, "bob");
  expect(await refuses(wire, "bob's", "b")).toBe(false);
  await bob[Symbol.asyncDispose]();

  first.send({ id: "of 2", type: "complete" });
  await expect.poll(() => refuses(first, `again ${Math.random()}`, "again")).toBe(false);
});

test("subscriptions to presence and typing count each", async () => {
  await using wire = await WireSocket.begin(app, "carol");
  const carol = await TestUser.open(app, "carol");
  const text = `subscription ($ids: [ID!]!) { presence(userIds: $ids) { ${Array.from({ length: 29 }, (_, index) => `u${index}: user { id name avatarUrl }`).join(" ")} } }`;
  const refused: boolean[] = [];
  const ids = ["carol", ...Array.from({ length: 9 }, (_, index) => `stranger ${index}`)];
  for (let index = 0; index < 100; index++) refused.push(await isRefused(wire, `p${index}`, text, { ids }));
  // The first ones are open.
  expect(refused.indexOf(true)).toBeGreaterThanOrEqual(10);
  expect(refused.at(-1)).toBe(true);
  await carol[Symbol.asyncDispose]();
});

test("another operation in the same text changes nothing of what a subscription is counted for", async () => {
  await using wire = await WireSocket.begin(app, "dave");
  const dave = await TestUser.open(app, "dave");
  const room = await dave.createRoom("Cake", []);
  const refuses = (id: string, name: string) => isRefused(wire, id, textOf(name), { roomId: room });
  const small = "subscription Small($roomId: ID!) { roomEvents(roomId: $roomId) { __typename } }";
  const large =
    "query Large { rooms(first: 40) { edges { node { messages(last: 40) { edges { node { content } } } } } } }";
  const open = (id: string, query: string) => {
    wire.send({ id, type: "subscribe", payload: { query, operationName: "Small", variables: { roomId: room } } });
    return wire.until(id);
  };
  await open("small", small);
  await open("with a large one", `${small} ${large}`);
  for (const id of ["small", "with a large one"]) wire.send({ id, type: "complete" });
  let opened = 0;
  while (opened < 30 && !(await refuses(`of ${opened}`, `d${opened}x`))) opened += 1;
  expect(opened).toBeLessThan(30);
  await dave[Symbol.asyncDispose]();
});
