// What is refused before it is executed: the same over HTTP, event streams and WebSocket.
import { getIntrospectionQuery } from "graphql";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";
import { EventReader } from "./events.ts";
import { WireSocket } from "./wire.ts";

type Told = { data?: unknown; errors?: { message: string; extensions: { code: string } }[] };
type Extensions = Record<string, unknown>;

let app: TestApp;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
});
afterAll(() => app.close());

/** The answer to an operation through each door. */
async function answers(at: { url: string }, query: string, variables?: Record<string, unknown>): Promise<Told[]> {
  await using wire = await WireSocket.begin(at, "alice");
  const { type, payload } = await wire.ask("1", query, variables);
  await using reader = await EventReader.open(at, { token: alice.token, query, variables });
  const overHttp = query.startsWith("subscription") ? [] : [await overPost(at, { query, variables })];
  return [
    ...overHttp,
    (await reader.next()).data as Told,
    type === "error" ? { errors: payload as Told["errors"] } : (payload as Told),
  ];
}

async function overPost(at: { url: string }, body: { query?: string; variables?: unknown; extensions?: Extensions }) {
  const response = await fetch(`${at.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${alice.token}` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as Told;
}

const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(" ");

describe("QUERY_REFUSED, by every door, is", () => {
  test.each([
    ["too many lines", `{ viewer { id } }${"\n".repeat(2_100)}`, /lines/],
    ["too many tokens", `{ viewer { ${many(1_000, () => "id")} } }`, /tokens/],
    ["too many aliases", `{ ${many(31, (i) => `a${i}: viewer { id }`)} }`, /aliases/],
    ["too many directives", `{ viewer { ${many(31, () => "id @include(if: true)")} } }`, /directives/],
    ["too long a name", `{ ${"n".repeat(101)} }`, /name/],
    ["too deep", `{ viewer { ${many(6, () => "presence { user {")} id ${many(12, () => "}")} } }`, /deeper/],
    [
      "too costly",
      "{ rooms(first: 100) { edges { node { messages(last: 100) { edges { node { content } } } } } } }",
      /cost/,
    ],
    [
      "a fragment too costly",
      "{ rooms(first: 100) { edges { node { ...R } } } } fragment R on Room { messages(last: 100) { edges { node { content } } } }",
      /cost/,
    ],
    [
      "too many mutations",
      `mutation { ${many(31, (i) => `a${i}: openDirectRoom(input: { userId: "x" }) { room { id } }`)} }`,
      /aliases/,
    ],
    ["an introspection with aliases", "{ a: __schema { types { name } } }", /introspection/],
    [
      "a subscription too deep",
      `subscription { inbox { ... on RoomEvent { room { ${many(6, () => "lastMessage { room {")} id ${many(12, () => "}")} } } } }`,
      /deeper/,
    ],
    [
      "a subscription too costly",
      "subscription { inbox { ... on RoomEvent { room { messages(last: 100) { edges { node { readBy(first: 100) { edges { node { id readAt reader { id name avatarUrl } } } } } } } } } } }",
      /cost/,
    ],
  ])("%s", async (_what, query, message) => {
    for (const { errors, data } of await answers(app, query)) {
      expect(data).toBeUndefined();
      expect(errors).toMatchObject([
        { message: expect.stringMatching(message), extensions: { code: "QUERY_REFUSED" } },
      ]);
    }
  });

  test("too costly by its variables, and not with smaller pages", async () => {
    const query =
      "query ($rooms: Int, $last: Int) { rooms(first: $rooms) { edges { node { messages(last: $last) { edges { node { content } } } } } } }";
    for (const { errors } of await answers(app, query, { rooms: 100, last: 100 })) {
      expect(errors).toMatchObject([{ extensions: { code: "QUERY_REFUSED" } }]);
    }
    for (const { data } of await answers(app, query, { rooms: 10, last: 10 }))
      expect(data).toEqual({ rooms: { edges: [] } });
  });
});

test("QUERY_REFUSED is a text of more than 64 KiB, which no other door takes", async () => {
  const query = `{ viewer { id } } #${"x".repeat(64 * 1024)}`;
  expect((await overPost(app, { query })).errors).toMatchObject([
    { message: expect.stringMatching(/longer than 65536/), extensions: { code: "QUERY_REFUSED" } },
  ]);
});

test("GraphiQL's introspection is let in by every door, and each refusal leaves the socket open", async () => {
  for (const { data, errors } of await answers(app, getIntrospectionQuery())) {
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ __schema: { queryType: { name: "Query" } } });
  }
});

test("INVALID by every door is a subscription whose field may be skipped, in a fragment too", async () => {
  for (const query of [
    'subscription { typing(roomId: "1") @skip(if: true) { users { id } } }',
    'subscription { roomEvents(roomId: "1") @include(if: false) { __typename } }',
    "subscription ($no: Boolean!) { ... @skip(if: $no) { inbox { __typename } } }",
    "subscription { ...F } fragment F on Subscription { ...G @skip(if: true) } fragment G on Subscription { inbox { __typename } }",
  ]) {
    for (const { data, errors } of await answers(app, query, { no: true })) {
      expect(data).toBeUndefined();
      expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
    }
  }
});

describe("with INTROSPECTION=off", () => {
  let closed: TestApp;
  beforeAll(async () => {
    closed = await startTestApp({ env: { INTROSPECTION: "off" }, databaseUrl: app.databaseUrl });
  });
  afterAll(() => closed.close());

  test("no door tells of the schema", async () => {
    for (const query of [
      getIntrospectionQuery(),
      '{ __type(name: "User") { name } }',
      "{ viewer { ...F } } fragment F on User { __typename } query I { __schema { types { name } } }",
    ]) {
      for (const { data, errors } of await answers(closed, query)) {
        expect(data).toBeUndefined();
        expect(errors![0]!.extensions.code).toBe("INVALID");
      }
    }
  });

  test("no mistake is answered with names of the schema", async () => {
    for (const [query, variables] of [
      ["{ viewer { idd } }"],
      ["{ viewr { id } }"],
      ['{ room(idd: "1") { id } }'],
      ["query ($a: Strin) { viewer { id } }"],
      ["{ viewer { ... on Usr { id } } }"],
      ["query ($kinds: [RoomEventKind!]) { viewer { id @skip(if: false) } }", { kinds: ["MESSAG"] }],
      ["mutation ($i: CreateRoomInput!) { createRoom(input: $i) { room { id } } }", { i: { nam: "x", name: "x" } }],
    ] as [string, Record<string, unknown>?][]) {
      for (const { errors } of await answers(closed, query, variables)) {
        expect(JSON.stringify(errors)).not.toMatch(/did you mean/i);
      }
    }
    // What is named in the operation itself may be told.
    expect((await overPost(app, { query: "{ viewer { idd } }" })).errors![0]!.message).toContain('Did you mean "id"?');
  });

  test("what is valid works, __typename included", async () => {
    for (const told of await answers(closed, "{ viewer { id __typename } }")) {
      expect(told).toEqual({ data: { viewer: { id: "alice", __typename: "User" } } });
    }
  });
});
