import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { hidden, presenceFields, presenceOf, TestDevice, type PresenceAnswer } from "../support/presence.ts";
import { watchStatements } from "../support/statements.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
let stranger: TestUser;
let roomId: string;
let count = 0;
const devices: TestDevice[] = [];

// A short grace: whoever goes is gone soon.
beforeAll(async () => {
  app = await startTestApp({ presence: { timings: { graceMs: 100 } } });
});

/** People of its own for each test. */
beforeEach(async () => {
  count += 1;
  const open = (name: string) => TestUser.open(app, `${name}-${count}`, { name });
  alice = await open("Alice");
  bob = await open("Bob");
  carol = await open("Carol");
  stranger = await open("Stranger");
  roomId = await alice.createRoom("Room", [bob.id, carol.id]);
});

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
});

afterAll(() => app?.close());

/** A device that stays until the test is over. */
async function comes(user: TestUser, params?: Record<string, unknown>): Promise<void> {
  devices.push(await TestDevice.open(user, params));
}

const later = (ms: number) => new Date(Date.now() + ms).toISOString();

test("the first list is the present state of all, then changes come", async () => {
  await using phone = await TestDevice.open(bob, { device: "MOBILE" });
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id, carol.id] });
  const first = await observed.next();
  expect(first).toEqual([{ ...hidden(bob.id), status: "ONLINE", devices: ["MOBILE"] }, hidden(carol.id)]);
  await comes(carol, { device: "DESKTOP" });
  expect(await observed.next()).toEqual([{ ...hidden(carol.id), status: "ONLINE", devices: ["DESKTOP"] }]);
  await phone.close();
  const [gone] = await observed.next();
  expect(gone).toEqual({ ...hidden(bob.id), lastSeen: expect.any(String) });
  expect(Math.abs(Date.parse(gone!.lastSeen!) - Date.now())).toBeLessThan(5_000);
});

test("a room's members are told of, oneself included, and whoever joins later", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ roomId });
  const first = await observed.next();
  expect(first.map(({ id }) => id).sort()).toEqual([alice.id, bob.id, carol.id].sort());
  expect(first.find(({ id }) => id === alice.id)).toMatchObject({ status: "ONLINE", devices: ["WEB"] });
  await comes(stranger);
  await alice.mutate("addMember", { roomId, userId: stranger.id });
  await observed.sees(stranger.id, { status: "ONLINE" });
});

test("changes of 200 ms come together, and what has changed back is not told", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id, carol.id] });
  await observed.next();
  await using one = await TestDevice.open(bob);
  await comes(carol);
  const both = await observed.next();
  expect(both.map(({ id }) => id).sort()).toEqual([bob.id, carol.id].sort());
  await one.setPresence({ status: "BUSY" });
  await one.setPresence({ status: "ONLINE" });
  await one.setPresence({ customStatus: "back" });
  expect(await observed.next()).toMatchObject([{ id: bob.id, status: "ONLINE", customStatus: "back" }]);
});

test("a user's status is what all connections add up to: BUSY, else ONLINE, else AWAY, else OFFLINE", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await using desktop = await TestDevice.open(bob, { device: "DESKTOP" });
  await using phone = await TestDevice.open(bob, { device: "MOBILE" });
  await observed.sees(bob.id, { status: "ONLINE", devices: ["MOBILE", "DESKTOP"] });
  await phone.setPresence({ status: "AWAY" });
  await desktop.setPresence({ status: "BUSY" });
  await observed.sees(bob.id, { status: "BUSY" });
  await desktop.setPresence({ status: "OFFLINE" });
  await observed.sees(bob.id, { status: "AWAY", devices: ["MOBILE"] });
  await phone.setPresence({ status: "OFFLINE" });
  expect(await observed.sees(bob.id, { status: "OFFLINE", devices: [] })).toMatchObject({
    lastSeen: expect.any(String),
  });
  await phone.setPresence({ status: null, device: "WEB" });
  await observed.sees(bob.id, { status: "ONLINE", devices: ["WEB"] });
  await phone.setPresence({ device: null });
  await observed.sees(bob.id, { devices: ["MOBILE"] });
});

test("what is left out stays, null clears, and what is of the user outlives the connection", async () => {
  const time = later(60_000);
  const phone = await TestDevice.open(bob, { device: "MOBILE" });
  const set = await phone.setPresence({ customStatus: "At lunch", doNotDisturbUntil: time });
  expect(set).toEqual({
    presence: {
      ...hidden(bob.id),
      status: "ONLINE",
      devices: ["MOBILE"],
      customStatus: "At lunch",
      doNotDisturbUntil: time,
    },
    userErrors: [],
  });
  await phone.close();
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await observed.sees(bob.id, { status: "OFFLINE", customStatus: "At lunch", doNotDisturbUntil: time });
  await using again = await TestDevice.open(bob);
  await observed.sees(bob.id, { status: "ONLINE", customStatus: "At lunch", doNotDisturbUntil: time });
  await again.setPresence({ customStatus: null });
  await observed.sees(bob.id, { customStatus: null, doNotDisturbUntil: time });
});

test("over HTTP only what is of the user can be set", async () => {
  const { userErrors } = await bob.mutate("setPresence", { customStatus: "Reading" });
  expect(userErrors).toEqual([]);
  expect(await presenceOf(alice, [bob.id])).toEqual([{ ...hidden(bob.id), customStatus: "Reading" }]);
  for (const input of [{ status: "BUSY" }, { device: null }, { currentRoomId: roomId }]) {
    const refused = await bob.mutate("setPresence", { ...input, customStatus: "changed" });
    expect(refused.userErrors).toMatchObject([{ code: "INVALID", path: [Object.keys(input)[0]] }]);
  }
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ customStatus: "Reading" }]);
});

test("bad input is refused and changes nothing", async () => {
  await using phone = await TestDevice.open(bob);
  const bad = [
    { customStatus: "" },
    { customStatus: "x".repeat(101) },
    { customStatus: "a\0b" },
    { customStatus: "\ud800" },
    { customStatus: "two\nlines" },
  ];
  for (const input of bad)
    expect((await phone.setPresence({ status: "AWAY", ...input })).userErrors).toMatchObject([
      { code: "INVALID", path: ["customStatus"] },
    ]);
  const foreign = await stranger.createRoom("Elsewhere");
  for (const currentRoomId of [foreign, "00000000-0000-0000-0000-000000000000", "nonsense"])
    expect((await phone.setPresence({ status: "AWAY", customStatus: "x", currentRoomId })).userErrors).toMatchObject([
      { __typename: "NotFoundError", code: "NOT_FOUND", path: ["currentRoomId"] },
    ]);
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ status: "ONLINE", customStatus: null }]);
});

test("a subscription is to users or to a room, to at most 500 users, and to a room that one is in", async () => {
  await using tab = await TestDevice.open(alice);
  const refusals: [{ userIds?: string[]; roomId?: string }, string][] = [
    [{}, "INVALID"],
    [{ userIds: [bob.id], roomId }, "INVALID"],
    [{ userIds: Array.from({ length: 501 }, (_, index) => `user-${index}`) }, "INVALID"],
    [{ roomId: await stranger.createRoom("Elsewhere") }, "NOT_FOUND"],
    [{ roomId: "nonsense" }, "NOT_FOUND"],
  ];
  for (const [of, code] of refusals) {
    const { received } = tab.presence(of);
    await received.end();
    expect(received.all).toMatchObject([{ errors: [{ extensions: { code } }] }]);
  }
  const tooMany = await alice.ask(`query ($userIds: [ID!]!) { presence(userIds: $userIds) { id } }`, {
    userIds: Array.from({ length: 501 }, (_, index) => `user-${index}`),
  });
  expect(tooMany.errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
  await using none = tab.presence({ userIds: [] });
  expect(await none.next()).toEqual([]);
});

test("presence never reaches one who shares no room", async () => {
  await using phone = await TestDevice.open(bob);
  await phone.setPresence({ customStatus: "secret" });
  const asked = [bob.id, "nobody", stranger.id, bob.id, "\0"];
  expect(await presenceOf(stranger, asked)).toEqual([{ ...hidden(stranger.id) }]);
  const { user } = await stranger.must<{ user: { presence: unknown } }>(
    `query ($id: ID!) { user(id: $id) { presence { status } } }`,
    { id: bob.id },
  );
  expect(user.presence).toBeNull();
  await using tab = await TestDevice.open(stranger);
  await using observed = tab.presence({ userIds: asked });
  expect(await observed.next()).toMatchObject([{ id: stranger.id, status: "ONLINE" }]);
  await phone.setPresence({ status: "BUSY", customStatus: "more secrets" });
  // What is told next is of the one whom the stranger may see.
  await tab.setPresence({ status: "AWAY" });
  expect(await observed.next()).toMatchObject([{ id: stranger.id, status: "AWAY" }]);
  expect(observed.of(bob.id)).toEqual([]);
});

test("whoever comes to share a room is seen from then on; whoever ceases to is told once as OFFLINE, and never again", async () => {
  await using phone = await TestDevice.open(bob);
  await phone.setPresence({ customStatus: "here", doNotDisturbUntil: later(60_000) });
  await using tab = await TestDevice.open(stranger);
  await using observed = tab.presence({ userIds: [bob.id] });
  expect(await observed.next()).toEqual([]);
  await alice.mutate("addMember", { roomId, userId: stranger.id });
  await observed.sees(bob.id, { status: "ONLINE", customStatus: "here" });
  const other = await stranger.createRoom("Another", [bob.id]);
  await alice.mutate("removeMember", { roomId, userId: stranger.id });
  await phone.setPresence({ customStatus: "still seen" });
  await observed.sees(bob.id, { status: "ONLINE", customStatus: "still seen" });
  // Bob leaves the last common room.
  await bob.mutate("removeMember", { roomId: other, userId: bob.id });
  await phone.setPresence({ customStatus: "unseen" });
  await observed.sees(bob.id, hidden(bob.id));
  await phone.setPresence({ status: "BUSY", customStatus: "unseen still" });
  await tab.setPresence({ status: "AWAY" });
  await using again = tab.presence({ userIds: [bob.id, stranger.id] });
  await again.sees(stranger.id, { status: "AWAY" });
  const told = observed.of(bob.id).map(({ customStatus, status }) => `${status} ${customStatus}`);
  expect(told).toEqual(["ONLINE here", "ONLINE still seen", "OFFLINE null"]);
  expect(again.of(bob.id)).toEqual([]);
});

test("a member who is removed hears nothing more of the room, and the room nothing of them but OFFLINE", async () => {
  await using bobs = await TestDevice.open(bob);
  await using alices = await TestDevice.open(alice);
  await using carols = await TestDevice.open(carol);
  // Carol shares another room with Bob.
  await carol.createRoom("Another", [bob.id]);
  await using ofBob = bobs.presence({ roomId });
  await using ofAlice = alices.presence({ roomId });
  await using ofCarol = carols.presence({ roomId });
  for (const observed of [ofBob, ofAlice, ofCarol]) await observed.sees(bob.id, { status: "ONLINE" });
  await alice.mutate("removeMember", { roomId, userId: bob.id });
  await alices.setPresence({ status: "BUSY" });
  await ofBob.received.end();
  expect(ofBob.received.errors).toBeUndefined();
  expect(ofBob.lists.at(-1)).toEqual([hidden(alice.id)]);
  expect(ofBob.of(carol.id).at(-1)).toMatchObject({ status: "ONLINE" });
  await ofAlice.sees(bob.id, hidden(bob.id));
  await bobs.setPresence({ status: "AWAY", customStatus: "unseen" });
  await ofAlice.sees(alice.id, { status: "BUSY" });
  await carols.setPresence({ status: "AWAY" });
  await ofAlice.sees(carol.id, { status: "AWAY" });
  await ofCarol.sees(carol.id, { status: "AWAY" });
  expect(
    ofAlice
      .of(bob.id)
      .slice(-2)
      .map(({ status }) => status),
  ).toEqual(["ONLINE", "OFFLINE"]);
  // To Carol he is no member any more, but not OFFLINE either.
  expect(ofCarol.of(bob.id).map(({ status }) => status)).toEqual(["ONLINE"]);
});

test.for(["userIds", "roomId"])(
  "while it is found out who may still see whom nothing is told of those in doubt (by %s)",
  async (by) => {
    using statements = watchStatements(app.databaseUrl);
    await using phone = await TestDevice.open(bob);
    await using carols = await TestDevice.open(carol);
    await using alices = await TestDevice.open(alice);
    await using observed = alices.presence(by === "roomId" ? { roomId } : { userIds: [bob.id, carol.id] });
    for (const { id } of [bob, carol]) await observed.sees(id, { status: "ONLINE" });
    const told = observed.of(bob.id).length;
    const gate = Promise.withResolvers<void>();
    const isAsked = Promise.withResolvers<void>();
    const answered = statements.afterNext("read-sharing", () => {
      isAsked.resolve();
      return gate.promise;
    });
    try {
      await alice.mutate("removeMember", { roomId, userId: bob.id });
      await isAsked.promise;
      await phone.setPresence({ status: "BUSY", customStatus: "in doubt" });
      await carols.setPresence({ status: "AWAY" });
      await observed.sees(carol.id, { status: "AWAY" });
      expect(observed.of(bob.id)).toHaveLength(told);
    } finally {
      gate.resolve();
    }
    await answered;
    await observed.sees(bob.id, hidden(bob.id));
    expect(observed.of(bob.id)).toHaveLength(told + 1);
  },
);

test("the current room is shown only to its members, and a move between others' rooms to nobody else", async () => {
  const secret = await bob.createRoom("Secret");
  const moreSecret = await bob.createRoom("More secret");
  await using phone = await TestDevice.open(bob);
  await using tab = await TestDevice.open(alice);
  await using carols = await TestDevice.open(carol);
  await using observed = tab.presence({ userIds: [bob.id, carol.id] });
  await using ofRoom = tab.presence({ roomId });
  await observed.sees(bob.id, { status: "ONLINE", currentRoom: null });
  await ofRoom.sees(bob.id, { status: "ONLINE", currentRoom: null });
  /** What was to be told before this has been told. */
  const allIsTold = async (status: string) => {
    await carols.setPresence({ status });
    for (const each of [observed, ofRoom]) await each.sees(carol.id, { status });
  };
  expect((await phone.setPresence({ currentRoomId: secret })).presence?.currentRoom).toEqual({ id: secret });
  await allIsTold("AWAY");
  await phone.setPresence({ currentRoomId: moreSecret });
  await allIsTold("BUSY");
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ currentRoom: null }]);
  await phone.setPresence({ currentRoomId: roomId });
  for (const each of [observed, ofRoom]) await each.sees(bob.id, { currentRoom: { id: roomId } });
  await phone.setPresence({ currentRoomId: secret });
  for (const each of [observed, ofRoom]) await each.sees(bob.id, { currentRoom: null });
  // Alice comes to the room where he is.
  await bob.mutate("addMember", { roomId: secret, userId: alice.id });
  for (const each of [observed, ofRoom]) await each.sees(bob.id, { currentRoom: { id: secret } });
  await phone.setPresence({ currentRoomId: null });
  for (const each of [observed, ofRoom]) {
    await each.sees(bob.id, { currentRoom: null });
    const rooms = each.of(bob.id).map(({ currentRoom }) => currentRoom?.id ?? null);
    expect(rooms).toEqual([null, roomId, null, secret, null]);
  }
});

test("one who is removed from the current room is in it no longer", async () => {
  const other = await alice.createRoom("Other", [bob.id]);
  await using phone = await TestDevice.open(bob);
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await phone.setPresence({ currentRoomId: other });
  await observed.sees(bob.id, { currentRoom: { id: other } });
  await alice.mutate("removeMember", { roomId: other, userId: bob.id });
  await observed.sees(bob.id, { currentRoom: null, status: "ONLINE" });
  expect((await phone.setPresence({ currentRoomId: other })).userErrors).toMatchObject([{ code: "NOT_FOUND" }]);
});

test("do-not-disturb ends by itself, and that is told", async () => {
  await using tab = await TestDevice.open(alice);
  await using observed = tab.presence({ userIds: [bob.id] });
  await using ofRoom = tab.presence({ roomId });
  const time = later(1_500);
  await bob.mutate("setPresence", { doNotDisturbUntil: time, customStatus: "Focus" });
  for (const each of [observed, ofRoom]) await each.sees(bob.id, { doNotDisturbUntil: time });
  for (const each of [observed, ofRoom]) await each.sees(bob.id, { doNotDisturbUntil: null, customStatus: "Focus" });
  expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(time));
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ doNotDisturbUntil: null }]);
  // What is over already is as good as none.
  await bob.mutate("setPresence", { doNotDisturbUntil: "2001-01-01T00:00:00.000Z" });
  expect(await presenceOf(alice, [bob.id])).toMatchObject([{ doNotDisturbUntil: null }]);
});

test("users in rooms, messages and events have their presence, for each viewer what that viewer may see", async () => {
  await using phone = await TestDevice.open(bob);
  await phone.setPresence({ currentRoomId: roomId });
  await alice.mutate("addMember", { roomId, userId: stranger.id });
  const { room } = await alice.must<{
    room: { members: { edges: { node: { user: { presence: PresenceAnswer } } }[] } };
  }>(`query ($id: ID!) { room(id: $id) { members { edges { node { user { presence { ${presenceFields} } } } } } } }`, {
    id: roomId,
  });
  const states = room.members.edges.map(({ node }) => node.user.presence);
  expect(states.find(({ id }) => id === bob.id)).toMatchObject({ status: "ONLINE", currentRoom: { id: roomId } });
  const feeds = [alice, bob].map((user) =>
    user.watch<{ roomEvents: { message?: { sender: { presence: PresenceAnswer } } } }>(
      `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) {
        ... on MessageSent { message { sender { presence { id status } } } } } }`,
      { roomId },
    ),
  );
  for (const feed of feeds) await feed.next();
  await bob.send(roomId, "hello");
  for (const feed of feeds) {
    const { data } = await feed.next();
    expect(data?.roomEvents.message?.sender.presence).toEqual({ id: bob.id, status: "ONLINE" });
    feed.stop();
  }
});
