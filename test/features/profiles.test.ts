import { afterAll, beforeAll, expect, test } from "vitest";
import { createAccounts } from "../../src/accounts/accounts.ts";
import { createAccountsStore } from "../../src/accounts/accounts.store.ts";
import { openDatabase } from "../../src/database/pool.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let sql: Sql;

beforeAll(async () => {
  app = await startTestApp();
  sql = await openSql(app.databaseUrl);
});
afterAll(async () => {
  await sql[Symbol.asyncDispose]();
  await app.close();
});

const lostWrites = [
  ["createRoom", `mutation { createRoom(input: { name: "Mine" }) { userErrors { code message } } }`],
  ["openDirectRoom", `mutation { openDirectRoom(input: { userId: "other" }) { userErrors { code message } } }`],
  ["setPresence", `mutation { setPresence(input: { customStatus: "here" }) { userErrors { code message } } }`],
] as const;

/** What a failover to a standby that was behind, or a backup from before, does; the node knows nothing of it. */
const lose = (userId: string) => sql.rows(`delete from users where id = $1`, [userId]);

test.for(lostWrites)(
  "a user whose row was lost goes on by %s, over HTTP and over a socket",
  async ([name, mutation]) => {
    await TestUser.open(app, "other");
    const user = await TestUser.open(app, `lost-${name}`, {
      name: "Lost",
      picture: "https://pictures.example/lost.png",
    });
    await using socket = await RawSocket.open(app.url, user.token);
    await lose(user.id);
    expect(await user.must(mutation)).toEqual({ [name]: { userErrors: [] } });
    const saved = await sql.row(`select name, avatar_url from users where id = $1`, [user.id]);
    expect(saved).toEqual({ name: "Lost", avatar_url: "https://pictures.example/lost.png" });

    await sql.rows(`delete from members where user_id = $1`, [user.id]);
    await lose(user.id);
    socket.subscribe("again", mutation, {});
    await socket.until(() => socket.messages.some(({ id, type }) => id === "again" && type === "complete"));
    expect(socket.responses("again")).toEqual([{ [name]: { userErrors: [] } }]);
  },
);

test("that another user is not there is the caller's to mend", async () => {
  const alice = await TestUser.open(app, "alice");
  const { userErrors } = await alice.mutate<{ userErrors: unknown[] }>("createRoom", {
    name: "Room",
    memberIds: ["nobody"],
  });
  expect(userErrors).toMatchObject([{ code: "NOT_FOUND", message: "No such user." }]);
});

test("a profile is what the user's last token said, a minute later at the latest, whichever node it came to", async () => {
  await using database = openDatabase({ url: app.databaseUrl, onFault: () => undefined });
  let nowMs = 1;
  const newNode = () => createAccounts({ store: createAccountsStore(database), clock: { now: () => nowMs } });
  const [here, there] = [newNode(), newNode()];
  const as = (name: string) => ({ userId: "bob", name, avatarUrl: null });
  const saved = async () => (await sql.row<{ name: string }>(`select name from users where id = 'bob'`)).name;
  await here.signIn(as("Bob"));
  await there.signIn(as("Bobby"));
  expect(await saved()).toBe("Bobby");
  nowMs += 60_001;
  await here.signIn(as("Bob"));
  expect(await saved()).toBe("Bob");
});

test("who signs in as before is neither written nor locked", async () => {
  await using database = openDatabase({ url: app.databaseUrl, onFault: () => undefined });
  const signIn = () =>
    createAccounts({ store: createAccountsStore(database) }).signIn({ userId: "same", name: "Same", avatarUrl: null });
  // The row itself, and who locked it last.
  const version = () => sql.row(`select ctid::text, xmin::text, xmax::text from users where id = 'same'`);
  await signIn();
  const before = await version();
  await signIn();
  expect(await version()).toEqual(before);
});

test("users are found by the beginning of their name, in any case and script, and wildcards are none", async () => {
  const alice = await TestUser.open(app, "alice");
  const names = ["ΟΔΥΣΣΕΥΣ", "İstanbul", "100% Bob", "100 Bob", "back\\slash", "under_score", "undersscore"];
  for (const [index, name] of names.entries()) await TestUser.open(app, `named-${index}`, { name });
  const find = async (search: string) => {
    const query = `query ($search: String!) { users(search: $search) { edges { node { name } } } }`;
    const { users } = await alice.must<{ users: { edges: { node: { name: string } }[] } }>(query, { search });
    return users.edges.map(({ node }) => node.name);
  };
  for (const [search, found] of [
    ["ΟΔΥΣΣΕΥΣ", "ΟΔΥΣΣΕΥΣ"],
    ["ΟΔΥΣ", "ΟΔΥΣΣΕΥΣ"],
    ["οδυσ", "ΟΔΥΣΣΕΥΣ"],
    ["İstanbul", "İstanbul"],
    ["İ", "İstanbul"],
    ["100%", "100% Bob"],
    ["BACK\\", "back\\slash"],
    ["Under_", "under_score"],
  ] as const)
    expect(await find(search), search).toEqual([found]);
});
