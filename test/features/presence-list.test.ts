import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { presenceFields, TestDevice, type PresenceAnswer } from "../support/presence.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let sql: Sql;
let alice: TestUser;
let stranger: TestUser;
const people: TestUser[] = [];
const devices: TestDevice[] = [];

beforeAll(async () => {
  app = await startTestApp({ presence: { timings: { graceMs: 50 } } });
  sql = await openSql(app.databaseUrl);
  alice = await TestUser.open(app, "alice");
  stranger = await TestUser.open(app, "stranger");
  for (let index = 0; index < 7; index += 1) people.push(await TestUser.open(app, `user-${index}`));
  // In two rooms, lest anybody comes twice.
  for (const name of ["One", "Two"])
    await alice.createRoom(
      name,
      people.map(({ id }) => id),
    );
});

afterEach(async () => {
  for (const device of devices.splice(0)) await device.close();
});

afterAll(async () => {
  await sql?.[Symbol.asyncDispose]();
  await app?.close();
});

/** A device that stays until the test is over. */
async function comes(user: TestUser): Promise<void> {
  devices.push(await TestDevice.open(user));
}

type Page = {
  edges: { cursor: string; node: PresenceAnswer }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null };
};

async function page(args: { since?: string; first?: number; after?: string | null } = {}): Promise<Page> {
  const query = `query ($since: DateTime, $first: Int, $after: String) { onlineUsers(since: $since, first: $first, after: $after) {
    edges { cursor node { ${presenceFields} } } pageInfo { hasNextPage hasPreviousPage endCursor } } }`;
  return (await alice.must<{ onlineUsers: Page }>(query, args)).onlineUsers;
}

const idsOf = ({ edges }: Page) => edges.map(({ node }) => node.id);

/** Comes and goes, one after the other, and is written down. */
async function visit(user: TestUser): Promise<void> {
  const device = await TestDevice.open(user);
  const before = Date.now();
  await device.close();
  await until(`${user.id} is written down as gone`, async () => {
    const [row] = await sql.rows<{ at: Date }>("select last_seen_at as at from presence where user_id = $1", [user.id]);
    return row !== undefined && row.at.getTime() >= before && !idsOf(await page()).includes(user.id);
  });
}

test("without `since` it lists who is online, with it also who was, the latest seen first", async () => {
  const start = new Date().toISOString();
  expect(idsOf(await page())).toEqual([]);
  for (const index of [3, 1, 2]) await visit(people[index]!);
  await comes(people[0]!);
  await comes(people[5]!);
  await using invisible = await TestDevice.open(people[4]!, { status: "OFFLINE" });
  await comes(stranger);
  await comes(alice);
  expect(idsOf(await page())).toEqual(["user-0", "user-5"]);
  const all = await page({ since: start });
  expect(idsOf(all)).toEqual(["user-0", "user-5", "user-2", "user-1", "user-3"]);
  expect(all.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: false });
  const seen = all.edges.slice(2).map(({ node }) => Date.parse(node.lastSeen!));
  expect(seen).toEqual([...seen].sort((one, other) => other - one));
  const between = new Date((seen[0]! + seen[1]!) / 2).toISOString();
  expect(idsOf(await page({ since: between }))).toEqual(["user-0", "user-5", "user-2"]);
  await invisible.setPresence({ status: "AWAY" });
  expect(idsOf(await page())).toEqual(["user-0", "user-4", "user-5"]);

  const read: string[] = [];
  let after: string | null = null;
  for (let more = true; more;) {
    const next: Page = await page({ since: start, first: 2, after });
    read.push(...idsOf(next));
    expect(next.pageInfo.hasPreviousPage).toBe(after !== null);
    more = next.pageInfo.hasNextPage;
    after = next.pageInfo.endCursor;
  }
  expect(read).toEqual(["user-0", "user-4", "user-5", "user-2", "user-1", "user-3"]);
});

test("bad arguments are refused", async () => {
  for (const args of ["first: 0", "first: 101", `after: "garbage"`]) {
    const { errors } = await alice.ask(`{ onlineUsers(${args}) { edges { node { id } } } }`);
    expect(errors).toMatchObject([{ extensions: { code: "INVALID" } }]);
  }
});

test("last-seen is durable: when a server ends, whoever was there was seen until then", async () => {
  const other = await startTestApp({ databaseUrl: app.databaseUrl });
  await comes(people[6]!.at(other));
  await until("the beginning is written", async () => {
    const rows = await sql.rows("select from presence where user_id = 'user-6' and last_seen_at is not null");
    return rows.length === 1;
  });
  const before = Date.now();
  await other.close();
  const { presence } = await alice.must<{ presence: PresenceAnswer[] }>(
    `{ presence(userIds: ["user-6"]) { ${presenceFields} } }`,
  );
  expect(presence).toMatchObject([{ status: "OFFLINE", lastSeen: expect.any(String) }]);
  expect(Date.parse(presence[0]!.lastSeen!)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(presence[0]!.lastSeen!)).toBeLessThanOrEqual(Date.now());
});
