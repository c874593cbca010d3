import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomOf, seedOf, startTestApp, type TestApp } from "../support/app.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

/** Lists follow the Relay cursor specification: https://relay.dev/graphql/connections.htm */

let app: TestApp;
let sql: Sql;
let alice: TestUser;
let roomId: string;

const messageCount = 57;
const memberCount = 43;
const roomCount = 38;

beforeAll(async () => {
  app = await startTestApp();
  sql = await openSql(app.databaseUrl);
  alice = await TestUser.open(app, "alice");
  const names = ["Émile", "émilie", "Zoë", "zoe", "ÅSA", "Élodie_1", "El%", "el\\", "💬 chat", "ZOË"];
  for (const [index, name] of names.entries()) await TestUser.open(app, `named${index}`, { name });
  // Many with one name and many who differ in case alone: the id decides.
  await sql.rows(
    `insert into users (id, name) select 'u' || n, case n % 3 when 0 then 'Same' when 1 then 'same' else 'Sam' || n end
     from generate_series(1, 60) n`,
  );
  roomId = await alice.createRoom(
    "Long",
    Array.from({ length: memberCount - 1 }, (_, index) => `u${index + 1}`),
  );
  for (let index = 0; index < messageCount; index++) await alice.send(roomId, `message ${index}`);
  for (let index = 1; index < roomCount; index++) await alice.createRoom(`Room ${index}`);
  // Some were active at the same moment: the id decides.
  await sql.rows("update rooms set active_at = date_trunc('second', active_at)");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
});

type Page = {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
};
type PageArgs = { first?: number; after?: string; last?: number; before?: string };

const pageFields = "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }";
const forwards = "$first: Int, $after: String";
const given = "first: $first, after: $after";

const lists: Record<string, (args: PageArgs) => Promise<Page>> = {
  messages: async (args) => {
    const query = `query ($roomId: ID!, ${forwards}, $last: Int, $before: String) {
      room(id: $roomId) { messages(${given}, last: $last, before: $before) { ${pageFields} } } }`;
    return (await alice.must<{ room: { messages: Page } }>(query, { roomId, ...args })).room.messages;
  },
  members: async (args) => {
    const query = `query ($roomId: ID!, ${forwards}) { room(id: $roomId) { members(${given}) { ${pageFields} } } }`;
    return (await alice.must<{ room: { members: Page } }>(query, { roomId, ...args })).room.members;
  },
  rooms: async (args) =>
    (await alice.must<{ rooms: Page }>(`query (${forwards}) { rooms(${given}) { ${pageFields} } }`, args)).rooms,
  users: async (args) =>
    (
      await alice.must<{ users: Page }>(
        `query (${forwards}) { users(search: "sam", ${given}) { ${pageFields} } }`,
        args,
      )
    ).users,
};

const orders: Record<string, string> = {
  messages: "select id from messages where room_id = $1 order by position",
  members: `select room_id || ':' || user_id as id from members where room_id = $1 order by joined_revision`,
  rooms: `select id from rooms where $1::text is not null order by active_at desc, id desc`,
  users: `select id from users where $1::text is not null and lower(name) like 'sam%' order by lower(name), id`,
};

const idsOf = (page: Page) => page.edges.map(({ node }) => node.id);

function checkPageInfo({ edges, pageInfo }: Page, { before, after }: { before: number; after: number }): void {
  expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
  expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
  // Paging forwards `hasPreviousPage`, and backwards `hasNextPage`, may be false where it is not cheap to know.
  if (pageInfo.hasNextPage) expect(after).toBeGreaterThan(0);
  if (pageInfo.hasPreviousPage) expect(before).toBeGreaterThan(0);
}

test.each(Object.keys(lists))(
  "paging forwards through %s with any sizes gives each once, in order, and says when there is more",
  async (name) => {
    const seed = seedOf(`forwards through ${name}`);
    const expected = (await sql.rows<{ id: string }>(orders[name]!, [roomId])).map(({ id }) => id);
    expect(expected.length).toBeGreaterThan(30);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
        const found: string[] = [];
        let after: string | undefined;
        for (let index = 0; ; index++) {
          const first = sizes[index % sizes.length]!;
          const page = await lists[name]!({ first, after });
          expect(page.edges.length).toBeLessThanOrEqual(first);
          checkPageInfo(page, { before: found.length, after: expected.length - found.length - page.edges.length });
          found.push(...idsOf(page));
          expect(page.pageInfo.hasNextPage).toBe(found.length < expected.length);
          if (!page.pageInfo.hasNextPage) break;
          after = page.pageInfo.endCursor!;
        }
        expect(found).toEqual(expected);
      }),
      { seed, numRuns: 8 },
    );
  },
);

test("paging backwards through messages with any sizes gives each once, in order, and says when there is more", async () => {
  const seed = seedOf("backwards through messages");
  const expected = (await sql.rows<{ id: string }>(orders.messages!, [roomId])).map(({ id }) => id);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 5 }), async (sizes) => {
      let found: string[] = [];
      let before: string | undefined;
      for (let index = 0; ; index++) {
        const last = sizes[index % sizes.length]!;
        const page = await lists.messages!({ last, before });
        checkPageInfo(page, { before: expected.length - found.length - page.edges.length, after: found.length });
        found = [...idsOf(page), ...found];
        expect(page.pageInfo.hasPreviousPage).toBe(found.length < expected.length);
        if (!page.pageInfo.hasPreviousPage) break;
        before = page.pageInfo.startCursor!;
      }
      expect(found).toEqual(expected);
    }),
    { seed, numRuns: 8 },
  );
});

test("a stretch of messages between two cursors is read from either end", async () => {
  const { edges } = await lists.messages!({ first: messageCount });
  const random = randomOf(seedOf("stretch of messages"));
  for (let round = 0; round < 10; round++) {
    const [from, to] = [Math.floor(random() * messageCount), Math.floor(random() * messageCount)].sort((a, b) => a - b);
    const stretch = edges.slice(from! + 1, Math.max(from! + 1, to!)).map(({ node }) => node.id);
    const size = 1 + Math.floor(random() * 20);
    const bounds = { after: edges[from!]!.cursor, before: edges[to!]!.cursor };
    expect(idsOf(await lists.messages!({ first: size, ...bounds }))).toEqual(stretch.slice(0, size));
    expect(idsOf(await lists.messages!({ last: size, ...bounds }))).toEqual(stretch.slice(-size));
  }
});

test("messages without `first` and `last` are the last 50, in room order", async () => {
  const expected = (await sql.rows<{ id: string }>(orders.messages!, [roomId])).map(({ id }) => id);
  const page = await lists.messages!({});
  expect(idsOf(page)).toEqual(expected.slice(-50));
  expect(page.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: false });
});

test("an empty list has no cursors and no more", async () => {
  const empty = await alice.createRoom("Empty");
  const { room } = await alice.must<{ room: { messages: Page } }>(
    `query ($id: ID!) { room(id: $id) { messages { ${pageFields} } } }`,
    { id: empty },
  );
  expect(room.messages).toEqual({
    edges: [],
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  });
  await sql.rows("delete from members where room_id = $1", [empty]);
  await sql.rows("delete from rooms where id = $1", [empty]);
});

test.each([
  ["ém", ["Émile", "émilie"]],
  ["ÉM", ["Émile", "émilie"]],
  ["zoë", ["Zoë", "ZOË"]],
  ["åsa", ["ÅSA"]],
  ["él", ["Élodie_1"]],
  ["el%", ["El%"]],
  ["el\\", ["el\\"]],
  ["el_", []],
  ["%", []],
  ["_", []],
  ["💬", ["💬 chat"]],
  ["named3", ["zoe"]],
  ["named", []],
])("users are found by the beginning of their name, whatever its case, or the exact id: %s", async (search, names) => {
  const query = `query ($search: String!) { users(search: $search) { edges { node { name } } } }`;
  const { users } = await alice.must<{ users: { edges: { node: { name: string } }[] } }>(query, { search });
  expect(new Set(users.edges.map(({ node }) => node.name))).toEqual(new Set(names));
});
