import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodePlace } from "../../src/graphql/connections.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf } from "../support/items.ts";
import { badTexts, expectError, noIds, refusalOf } from "../support/refusals.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let roomId: string;
let otherId: string;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  roomId = await alice.createRoom("Room");
  otherId = await alice.createRoom("Other");
  for (const id of [roomId, otherId]) await alice.send(id, "hers");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

/** What asks for a list of each kind; the place of a message, member, room and user in its list. */
const lists: [string, string, (string | number)[]][] = [
  [
    "messages",
    `query ($id: ID!, $first: Int, $after: String) { room(id: $id) { messages(first: $first, after: $after) { edges { cursor } } } }`,
    [1],
  ],
  [
    "members",
    `query ($id: ID!, $first: Int, $after: String) { room(id: $id) { members(first: $first, after: $after) { edges { cursor } } } }`,
    [1],
  ],
  [
    "rooms",
    `query ($first: Int, $after: String) { rooms(first: $first, after: $after) { edges { cursor } } }`,
    [1, "00000000-0000-4000-8000-000000000000"],
  ],
  [
    "users",
    `query ($first: Int, $after: String) { users(search: "a", first: $first, after: $after) { edges { cursor } } }`,
    ["a", "a"],
  ],
  [
    "readBy",
    `query ($id: ID!, $first: Int, $after: String) { room(id: $id) { messages { edges { node {
      readBy(first: $first, after: $after) { edges { cursor } } } } } } }`,
    [1, "bob"],
  ],
  [
    "onlineUsers",
    `query ($first: Int, $after: String) { onlineUsers(first: $first, after: $after) { edges { cursor } } }`,
    [1, "bob"],
  ],
];

describe.each(lists)("the list of %s", (list, query, place) => {
  test.each([0, -1, 101, 2_147_483_647])("has no page of %i: INVALID", async (first) => {
    await expectError(alice, query, { id: roomId, first }, { code: "INVALID", argument: ["first"] });
  });

  test.each([1.5, "10", 2_147_483_648, true])("has no page of %j: INVALID", async (first) => {
    await expectError(alice, query, { id: roomId, first }, { code: "INVALID" });
  });

  test("goes on after its own cursors only: INVALID", async () => {
    const otherLists = lists.filter(([name]) => name !== list).map(([name, , other]) => encodePlace(name, other));
    const wrongShapes = [[], [...place, 1], place.map((part) => (typeof part === "number" ? String(part) : 1))];
    const garbage = ["", "x", "💬", "\0", "\ud83d", beginningOf(roomId), "bnVsbA", "e30", "W10", "x".repeat(10_000)];
    for (const after of [...otherLists, ...wrongShapes.map((wrong) => encodePlace(list, wrong)), ...garbage])
      await expectError(alice, query, { id: roomId, after }, { code: "INVALID", argument: ["after"] });
  });

  test("ends quietly, or says INVALID, at places that nobody was given", async () => {
    const extremes = [
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
      0,
      -1,
      1e300,
      0.5,
      8.64e15,
      253_402_300_800_000,
    ];
    for (const extreme of extremes) {
      const after = encodePlace(
        list,
        place.map((part) => (typeof part === "number" ? extreme : part)),
      );
      const { errors } = await alice.ask(query, { id: roomId, after });
      if (errors) expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
    }
    for (const text of ["", "__proto__", "\0", "\ud83d", "💬".repeat(1_000)]) {
      const after = encodePlace(
        list,
        place.map((part) => (typeof part === "string" ? text : part)),
      );
      const { errors } = await alice.ask(query, { id: roomId, after });
      if (errors) expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
    }
  });
});

describe("messages", () => {
  const messages = (args: string) => `query ($id: ID!) { room(id: $id) { messages(${args}) { edges { cursor } } } }`;
  test.each(["last: 0", "last: -1", "last: 101"])("have no page of %s: INVALID", async (args) => {
    await expectError(alice, messages(args), { id: roomId }, { code: "INVALID", argument: ["last"] });
  });

  test("are asked for from one end: both `first` and `last` are INVALID", async () => {
    await expectError(alice, messages("first: 1, last: 1"), { id: roomId }, { code: "INVALID", argument: ["last"] });
  });

  test("end before their own cursors only: INVALID", async () => {
    for (const before of [beginningOf(roomId), "x", encodePlace("members", [1])])
      await expectError(
        alice,
        messages(`last: 1, before: "${before}"`),
        { id: roomId },
        { code: "INVALID", argument: ["before"] },
      );
  });
});

describe("users", () => {
  test.each([...badTexts, ["of 256 characters", "x".repeat(256)]])(
    "searched by a text %s: INVALID",
    async (_name, search) => {
      const query = `query ($search: String!) { users(search: $search) { edges { cursor } } }`;
      await expectError(alice, query, { search }, { code: "INVALID", argument: ["search"] });
    },
  );
});

describe("a position", () => {
  const garbage = (): string[] => [
    "",
    "x",
    roomId,
    `${roomId}.`,
    `${roomId}.1`,
    `${roomId}.00000000000000001`,
    `${roomId}.-000000000000001`,
    `${roomId}.000000000000001e`,
    `${roomId}.9999999999999999`,
    `${roomId.toUpperCase()}.0000000000000001`,
    `${roomId}.0000000000000001\n`,
    `__proto__.0000000000000001`,
    `x.0000000000000001`,
    encodePlace("messages", [1]),
    "\0",
    "\ud83d",
  ];
  const syncQuery = `query ($after: [Cursor!]!) { sync(after: $after) { hasMore } }`;
  const future = () => `${roomId}.0000000000999999`;

  test("that is none is INVALID, in sync and in the subscriptions", async () => {
    for (const after of garbage()) {
      await expectError(alice, syncQuery, { after: [after] }, { code: "INVALID", argument: ["after"] });
      const refusals = [
        await refusalOf(alice.roomEvents(roomId, { after })),
        await refusalOf(alice.inbox({ after: [after] })),
      ];
      for (const refusal of refusals)
        expect(refusal).toMatchObject([{ extensions: { code: "INVALID", argument: ["after"] } }]);
    }
  });

  test("of another room is INVALID as `after` of a room's events, also with the room's own id in it", async () => {
    for (const after of [beginningOf(otherId), beginningOf(noIds[0]![1])]) {
      const refusal = await refusalOf(alice.roomEvents(roomId, { after }));
      expect(refusal).toMatchObject([{ extensions: { code: "INVALID", argument: ["after"] } }]);
    }
  });

  test("from the future is CURSOR_RESET, in sync and in the subscriptions", async () => {
    await expectError(
      alice,
      syncQuery,
      { after: [beginningOf(otherId), future()] },
      { code: "CURSOR_RESET", argument: ["after"] },
    );
    const refusals = [
      await refusalOf(alice.roomEvents(roomId, { after: future() })),
      await refusalOf(alice.inbox({ after: [future()] })),
    ];
    for (const refusal of refusals)
      expect(refusal).toMatchObject([{ extensions: { code: "CURSOR_RESET", argument: ["after"] } }]);
  });

  test("may be given several times: the newest of a room counts", async () => {
    const { sync } = await alice.must<{ sync: { events: { cursor: string }[] } }>(
      `query ($after: [Cursor!]!) { sync(after: $after) { events { cursor } } }`,
      { after: [`${otherId}.0000000000000002`, beginningOf(otherId), beginningOf(otherId)] },
    );
    expect(sync.events.filter((event) => event.cursor.startsWith(otherId))).toEqual([]);
  });

  test("in more than twice as many rooms as a user can be in is INVALID", async () => {
    const after = Array.from({ length: 2_001 }, (_, index) =>
      beginningOf(`00000000-0000-4000-8000-${String(index).padStart(12, "0")}`),
    );
    await expectError(alice, syncQuery, { after }, { code: "INVALID", argument: ["after"] });
  });

  test.each([0, -1, 101])("is not followed by a page of %i: INVALID", async (first) => {
    const query = `query ($first: Int) { sync(after: [], first: $first) { hasMore } }`;
    await expectError(alice, query, { first }, { code: "INVALID", argument: ["first"] });
  });
});
