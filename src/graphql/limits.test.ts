import { readdir, readFile } from "node:fs/promises";
import { buildSchema, getIntrospectionQuery, parse, separateOperations } from "graphql";
import { describe, expect, it } from "vitest";
import { inboxDocument, roomEventsDocument } from "../../test/support/user.ts";
import { schema as ownSchema } from "../schema.ts";
import { createLimits, standardLimits, type Limits } from "./limits.ts";

const schema = buildSchema(`
  type Query { me: User! users(first: Int = 20, last: Int): Users! page(first: Int): Page! found: [Found!]! named: Named listed(userIds: [ID!]): [User!]! }
  type Mutation { change(to: String): User! }
  type User implements Named { id: ID! name: String! friends(first: Int): Users! posts: [Post!]! best: User }
  type Post implements Named { id: ID! name: String! text: String! author: User! }
  type Users { edges: [Edge!]! total: Int! }
  type Edge { cursor: String! node: User! }
  type Page { items: [Post!]! }
  interface Named { name: String! }
  union Found = User | Post
`);

const limits: Limits = {
  ...standardLimits,
  fieldCosts: { "Post.text": 50 },
  listSizes: { "User.posts": 40, "Query.listed": 300 },
};
const judge = createLimits({ schema, limits });
const costOf = (text: string, variables: Record<string, unknown> | null = null) => judge(parse(text), variables).cost;
const refusalOf = (text: string) => {
  const { excess } = judge(parse(text), null);
  return excess && { code: (excess.originalError as { code?: string } | undefined)?.code, message: excess.message };
};

describe("an operation costs", () => {
  it("1 for each value", () => {
    expect(costOf("{ me { id name } }")).toBe(3);
    expect(costOf("{ me { id __typename } }")).toBe(2);
    expect(costOf("{ me { a: id b: id id } }")).toBe(4);
  });

  it("what it selects of a page for each item that may be on it", () => {
    expect(costOf("{ users(first: 7) { edges { node { id } } total } }")).toBe(1 + 7 * (1 + (1 + 1) + 1));
    expect(costOf("{ users(first: 7) { edges { cursor node { id } } } }")).toBe(1 + 7 * 4);
    expect(costOf("{ page(first: 7) { items { id } } }")).toBe(1 + 7 * 2);
    expect(costOf("{ users(last: 7) { total } }")).toBe(1 + 20);
    expect(costOf("{ users(first: 3, last: 30) { total } }")).toBe(1 + 30);
  });

  it("what the schema or the server gives where it does not say how many", () => {
    expect(costOf("{ users { total } }")).toBe(1 + 20);
    expect(costOf("{ page { items { id } } }")).toBe(1 + 50 * 2);
    expect(costOf("query ($n: Int) { page(first: $n) { items { id } } }", {})).toBe(1 + 50 * 2);
    expect(costOf("query ($n: Int) { page(first: $n) { items { id } } }", { n: null })).toBe(1 + 50 * 2);
  });

  it("what the variables say, their defaults, or without them the most there may be", () => {
    const text = "query ($n: Int = 5) { page(first: $n) { items { id } } }";
    expect(costOf(text, { n: 3 })).toBe(1 + 3 * 2);
    expect(costOf(text, {})).toBe(1 + 5 * 2);
    expect(costOf(text, null)).toBe(1 + 100 * 2);
    for (const odd of ["3", true, [], {}, 1e9, Infinity]) expect(costOf(text, { n: odd })).toBe(1 + 100 * 2);
    expect(costOf("query ($__proto__: Int) { page(first: $__proto__) { items { id } } }", {})).toBe(1 + 50 * 2);
  });

  it("at the least and the most for a page that is smaller or larger than there is", () => {
    expect(costOf("{ users(first: -5) { total } }")).toBe(1 + 1);
    expect(costOf("{ page(first: 0) { items { id } } }")).toBe(1 + 2);
    expect(costOf("{ page(first: 2000000000) { items { id } } }")).toBe(1 + 100 * 2);
  });

  it("pages within pages many times over, and lists that are not paged ten times", () => {
    expect(costOf("{ users(first: 10) { edges { node { friends(first: 10) { total } } } } }")).toBe(
      1 + 10 * (1 + 1 + 1 + 10),
    );
    expect(costOf("{ me { posts { id } } }")).toBe(1 + 1 + 10);
  });

  it("more for a field that is heavy, and for a change", () => {
    expect(costOf("{ found { ... on Post { text } } }")).toBe(1 + 10 * 50);
    expect(costOf("mutation { change { id } }")).toBe(100 + 1);
    expect(costOf("mutation { a: change { id } b: change { id } }")).toBe(202);
  });

  it("more than little of the items of lists that are not paged for each that there may be", () => {
    expect(costOf("{ me { posts { text } } }")).toBe(1 + 1 + 40 * 50);
    const few = Array.from({ length: 20 }, (_, index) => `a${index}: id`).join(" ");
    expect(costOf(`{ me { posts { ${few} } } }`)).toBe(1 + 1 + 10 * 20);
    expect(costOf(`{ me { posts { ${few} id } } }`)).toBe(1 + 1 + 40 * 21);
    expect(costOf(`{ me { posts { ${few} } posts { id } } }`)).toBe(1 + (1 + 10 * 20) + (1 + 40));
    expect(costOf(`{ me { posts { ${few} } best { posts { id } } } }`)).toBe(1 + (1 + 10 * 20) + (1 + 1 + 40));
  });

  it("as many as are asked for by their ids, or as there may be", () => {
    const listed = "{ friends(first: 30) { total } }";
    const each = 1 + 30;
    expect(costOf(`{ listed(userIds: ["a", "b"]) ${listed} }`)).toBe(1 + 2 * each);
    expect(costOf(`{ listed ${listed} }`)).toBe(1 + 300 * each);
    const text = `query ($ids: [ID!]) { listed(userIds: $ids) ${listed} }`;
    expect(costOf(text, { ids: ["a", "b", "c"] })).toBe(1 + 3 * each);
    for (const none of [null, undefined, "a", 7]) expect(costOf(text, { ids: none })).toBe(1 + 300 * each);
    expect(costOf(text, {})).toBe(1 + 300 * each);
    const dear = text.replace("total", "edges { node { posts { text } } }");
    expect(judge(parse(dear), null)).toMatchObject({ byPages: true, excess: expect.anything() });
    expect(judge(parse(dear), { ids: ["a"] })).toMatchObject({ excess: null });
  });

  it("a fragment wherever it is spread", () => {
    expect(costOf("{ me { ...F best { ...F ...F } } } fragment F on User { id name }")).toBe(1 + 2 + 1 + 4);
    expect(costOf("{ ...A } fragment A on Query { ...B ...B } fragment B on Query { me { id } }")).toBe(4);
  });

  it("the dearest of the types that a value may have", () => {
    expect(costOf("{ found { ... on User { id } ... on Post { id name text } } }")).toBe(1 + 10 * 52);
    expect(costOf("{ named { name ... on User { id best { id } } ...P } } fragment P on Post { id }")).toBe(1 + 1 + 3);
  });

  it("as much as the dearest of several in a document", () => {
    expect(costOf("query A { me { id } } query B { me { id name } }")).toBe(3);
  });

  it("a finite sum whatever the fragments are, in no time", () => {
    const doubling = Array.from(
      { length: 60 },
      (_, i) => `fragment F${i} on User { best { ...F${i + 1} } again: best { ...F${i + 1} } }`,
    );
    const text = `{ me { ...F0 } } ${doubling.join("\n")} fragment F60 on User { id }`;
    const many = createLimits({ schema, limits: { ...limits, maxDepth: 100, maxAliases: 100, maxRepeats: 100 } });
    expect(many(parse(text), null).excess?.message).toMatch(/^The operation may cost up to \d/);
    for (const circle of [
      "{ ...F } fragment F on Query { ...F }",
      "{ ...A } fragment A on Query { me { id } ...B } fragment B on Query { ...A ...A }",
      "{ ...None }",
      "{ me { none { none { none } } } }",
      "{ none(first: 100) { id } }",
      "{ ... on None { me { id } } }",
    ]) {
      expect(refusalOf(circle)).toBeNull();
    }
  });
});

describe("a document is refused", () => {
  const many = (count: number, text: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => text(i)).join(" ");
  const deep = (count: number, open: string, end = "{ id }") =>
    `${`{ ${open} `.repeat(count)}${end}${" }".repeat(count)}`;

  it.each([
    ["30 aliases", (over: number) => `{ ${many(30 + over, (i) => `a${i}: me { id }`)} }`, /aliases/],
    ["30 directives", (over: number) => `{ ${many(30 + over, () => `__typename @skip(if: true)`)} }`, /directives/],
    [
      "30 directives on variables",
      (over: number) => `query ($a: Int ${many(30 + over, () => "@x")}) { me { id } }`,
      /directives/,
    ],
    [
      "30 fields of one name with fields",
      (over: number) => `{ ${many(30 + over, () => "me { id }")} }`,
      /more than 30 times/,
    ],
    ["12 fields deep", (over: number) => `query ${deep(11 + over, "best").replace("best", "me")}`, /deeper than 12/],
    ["names of 100 characters", (over: number) => `{ ${"n".repeat(100 + over)} }`, /longer than 100/],
    [
      "names of 100 characters in values",
      (over: number) => `{ me(a: [{ b: ${"E".repeat(100 + over)} }]) { id } }`,
      /longer than 100/,
    ],
  ])("with more than %s, and not with that many", (_what, text, message) => {
    expect(refusalOf(text(0))).toBeNull();
    expect(refusalOf(text(1))).toEqual({ code: "QUERY_REFUSED", message: expect.stringMatching(message) });
  });

  it("that hides its depth in fragments", () => {
    const fragments = many(13, (i) => `fragment F${i} on User { best { ...F${i + 1} } }`);
    expect(refusalOf(`{ me { ...F0 } } ${fragments} fragment F13 on User { id }`)).toMatchObject({
      code: "QUERY_REFUSED",
    });
  });

  it("with an introspection that has aliases or is too deep", () => {
    expect(refusalOf("{ a: __schema { types { name } } }")).toMatchObject({
      message: "An introspection has no aliases.",
    });
    expect(refusalOf("{ __schema { a: types { name } } }")).toMatchObject({ code: "QUERY_REFUSED" });
    expect(refusalOf("{ __schema { ...F } } fragment F on __Schema { a: types { name } }")).toMatchObject({
      code: "QUERY_REFUSED",
    });
    expect(refusalOf(`{ __type(name: "A") ${deep(25, "ofType", "{ name }")} }`)).toMatchObject({
      code: "QUERY_REFUSED",
    });
  });

  it("for its cost by its variables only where they make it too dear", () => {
    const text =
      "query ($n: Int) { users(first: $n) { edges { node { friends(first: $n) { edges { node { friends(first: $n) { total } } } } } } } }";
    expect(judge(parse(text), null)).toMatchObject({
      byPages: true,
      excess: { message: expect.stringContaining("smaller pages") },
    });
    expect(judge(parse(text), { n: 10 })).toMatchObject({ excess: null });
    expect(judge(parse(text), { n: 100 })).toMatchObject({ byPages: true, excess: expect.anything() });
    expect(judge(parse(text.replaceAll("$n)", "100)")), null)).toMatchObject({
      byPages: false,
      excess: expect.anything(),
    });
  });

  it("for less where it is executed for each event", () => {
    const of = (kind: string) =>
      `${kind} { rooms: rooms(first: 100) { edges { node { name members(first: 100) { edges { cursor } } } } } }`;
    const own = createLimits({ schema: ownSchema, limits: standardLimits });
    expect(own(parse(of("query")), null).excess).toBeNull();
    const event =
      "subscription { inbox { ... on RoomEvent { room { members(first: 100) { edges { node { user { name } } } } messages(last: 100) { edges { node { content } } } } } } }";
    expect(own(parse(event.replaceAll("100", "20")), null).excess).toBeNull();
    expect(own(parse(event.replaceAll("100", "100")), null).excess).toBeNull();
    expect(own(parse(event.replaceAll("content", "content replyTo { content }")), null).excess?.message).toContain(
      "10000",
    );
  });
});

describe("the standard limits let through", async () => {
  const folder = new URL("../client/operations/", import.meta.url);
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), "utf8")));
  const judgeOwn = createLimits({ schema: ownSchema, limits: standardLimits });
  const operations = Object.entries(separateOperations(parse(texts.join("\n"))));

  it.each(operations)("%s of the client kit, with the largest pages", (_name, document) => {
    expect(judgeOwn(document, null).excess).toBeNull();
  });

  it.each([
    ["GraphiQL's introspection", getIntrospectionQuery()],
    [
      "the fullest introspection",
      getIntrospectionQuery({
        schemaDescription: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
    ["the tests' roomEvents", roomEventsDocument],
    ["the tests' inbox", inboxDocument],
    [
      "the last message of each room",
      "{ rooms(first: 100) { edges { node { id name lastMessage { content sender { name } } } } } }",
    ],
    [
      "a page of messages with readers",
      `{ room(id: "1") { messages(last: 50) { edges { node { id content sender { id name avatarUrl } readBy(first: 20) { edges { node { readAt reader { id name } } } } } } } } }`,
    ],
  ])("%s", (_name, text) => {
    expect(judgeOwn(parse(text, { maxTokens: standardLimits.maxTokens }), null).excess).toBeNull();
  });

  it("no messages for each of many receipts, or of many users", () => {
    const room = "currentRoom { messages(last: 5) { edges { node { content } } } }";
    for (const text of [
      `subscription { inbox { ... on MessagesRead { ranges { reader { presence { ${room} } } } } } }`,
      `{ sync { events { ... on MessagesRead { ranges { reader { presence { ${room} } } } } } } }`,
      `subscription { presence(roomId: "1") { ${room} } }`,
      `{ presence(userIds: [${Array.from({ length: 500 }, () => `"a"`).join(" ")}]) { ${room} } }`,
    ])
      expect(judgeOwn(parse(text), null).excess, text).not.toBeNull();
    expect(judgeOwn(parse(`subscription { presence(userIds: ["1", "2"]) { ${room} } }`), null).excess).toBeNull();
  });

  it("no pages of pages of messages", () => {
    const text = "{ rooms(first: 100) { edges { node { messages(last: 100) { edges { node { content } } } } } } }";
    expect(judgeOwn(parse(text), null).excess).not.toBeNull();
  });
});
