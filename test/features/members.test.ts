import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { isCaughtUp, typeOf } from "../support/items.ts";
import { openSql, type Sql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

const maxRooms = 3;

let app: TestApp;
let sql: Sql;
let users: Record<string, TestUser>;

beforeAll(async () => {
  app = await startTestApp({ env: { MAX_ROOMS_PER_USER: String(maxRooms) } });
  sql = await openSql(app.databaseUrl);
});

afterAll(async () => {
  for (const user of Object.values(users)) await user[Symbol.asyncDispose]();
  await sql[Symbol.asyncDispose]();
  await app.close();
});

let count = 0;
/** New users, since each can be in few rooms. */
async function newUsers(number: number): Promise<TestUser[]> {
  const opened = await Promise.all(Array.from({ length: number }, () => TestUser.open(app, `user${(count += 1)}`)));
  users = { ...users, ...Object.fromEntries(opened.map((user) => [user.id, user])) };
  return opened;
}

const rolesIn = async (roomId: string) =>
  (
    await sql.rows<{ line: string }>(
      "select user_id || ' ' || role as line from members where room_id = $1 and left_revision is null order by joined_revision",
      [roomId],
    )
  ).map(({ line }) => line);

const roomsOf = async (userId: string) =>
  (
    await sql.row<{ n: number }>(
      "select count(*)::int as n from members where user_id = $1 and left_revision is null",
      [userId],
    )
  ).n;

describe("the last owner who leaves", () => {
  test("is followed by the longest-standing member, in one commit that all are told of", async () => {
    const [owner, first, second] = (await newUsers(3)) as [TestUser, TestUser, TestUser];
    const roomId = await owner.createRoom("Succession", [first.id, second.id]);
    // One who comes back begins anew.
    await owner.mutate("removeMember", { roomId, userId: first.id });
    await owner.mutate("addMember", { roomId, userId: first.id });
    await using feed = first.roomEvents(roomId);
    await feed.find(isCaughtUp);
    await owner.mutate("removeMember", { roomId, userId: owner.id });
    expect(await rolesIn(roomId)).toEqual([`${second.id} OWNER`, `${first.id} MEMBER`]);
    const left = await feed.next();
    const promoted = await feed.next();
    expect([left, promoted].map(typeOf)).toEqual(["MemberLeft", "MemberUpdated"]);
    expect(promoted).toMatchObject({ member: { user: { id: second.id }, role: "OWNER" }, previousCursor: left.cursor });
  });

  test("is followed by nobody while there is another owner, or nobody else", async () => {
    const [one, two] = (await newUsers(2)) as [TestUser, TestUser];
    const roomId = await one.createRoom("Two owners", [two.id]);
    await one.mutate("updateMember", { roomId, userId: two.id, role: "OWNER" });
    await one.mutate("removeMember", { roomId, userId: one.id });
    expect(await rolesIn(roomId)).toEqual([`${two.id} OWNER`]);
    await two.mutate("removeMember", { roomId, userId: two.id });
    expect(await rolesIn(roomId)).toEqual([]);
  });

  test("cannot step down before there is another: FORBIDDEN", async () => {
    const [owner, other] = (await newUsers(2)) as [TestUser, TestUser];
    const roomId = await owner.createRoom("Step down", [other.id]);
    const { userErrors } = await owner.mutate("updateMember", { roomId, userId: owner.id, role: "MEMBER" });
    expect(userErrors).toMatchObject([{ code: "FORBIDDEN", path: ["role"] }]);
    await owner.mutate("updateMember", { roomId, userId: other.id, role: "OWNER" });
    expect((await owner.mutate("updateMember", { roomId, userId: owner.id, role: "MEMBER" })).userErrors).toEqual([]);
    expect(await rolesIn(roomId)).toEqual([`${owner.id} MEMBER`, `${other.id} OWNER`]);
  });

  test("leaves an owner even when all leave at once", async () => {
    const members = await newUsers(6);
    const roomId = await members[0]!.createRoom(
      "Exodus",
      members.slice(1).map(({ id }) => id),
    );
    await Promise.all(members.slice(0, 5).map((user) => user.mutate("removeMember", { roomId, userId: user.id })));
    expect(await rolesIn(roomId)).toEqual([`${members[5]!.id} OWNER`]);
  });
});

describe("a direct room", () => {
  test("is one for each pair, whoever opens it, also when both do at once", async () => {
    const [one, two] = (await newUsers(2)) as [TestUser, TestUser];
    const open = async (user: TestUser, userId: string) =>
      (await user.mutate<{ room: { id: string } }>("openDirectRoom", { userId }, "room { id }")).room.id;
    const ids = await Promise.all([
      ...Array.from({ length: 5 }, () => open(one, two.id)),
      ...Array.from({ length: 5 }, () => open(two, one.id)),
    ]);
    expect(new Set(ids).size).toBe(1);
    expect(await rolesIn(ids[0]!)).toHaveLength(2);
  });
});

describe(`a user can be in ${maxRooms} rooms (MAX_ROOMS_PER_USER)`, () => {
  const refused = (path: string) => [{ code: "FORBIDDEN", path: [path] }];

  test("and gets into no more, by whichever way, until they leave one", async () => {
    const [full, other] = (await newUsers(2)) as [TestUser, TestUser];
    const roomIds: string[] = [];
    for (let index = 0; index < maxRooms; index++) roomIds.push(await full.createRoom(`Room ${index}`));
    const roomId = await other.createRoom("One more");
    const attempts = [
      await full.mutate("createRoom", { name: "Too many" }),
      await other.mutate("createRoom", { name: "Too many", memberIds: [full.id] }),
      await other.mutate("addMember", { roomId, userId: full.id }),
      await other.mutate("openDirectRoom", { userId: full.id }),
      await full.mutate("openDirectRoom", { userId: other.id }),
    ];
    expect(attempts.map(({ userErrors }) => userErrors)).toMatchObject([
      refused("memberIds"),
      refused("memberIds"),
      refused("userId"),
      refused("userId"),
      refused("userId"),
    ]);
    expect(await roomsOf(full.id)).toBe(maxRooms);
    expect(await roomsOf(other.id)).toBe(1);
    await full.mutate("removeMember", { roomId: roomIds[0]!, userId: full.id });
    expect((await other.mutate("addMember", { roomId, userId: full.id })).userErrors).toEqual([]);
  });

  test("also when many rooms are made at once", async () => {
    const [eager, other] = (await newUsers(2)) as [TestUser, TestUser];
    const rooms = await Promise.all(Array.from({ length: 2 }, (_, index) => other.createRoom(`Room ${index}`)));
    const attempts = await Promise.all([
      ...Array.from({ length: 6 }, (_, index) => eager.mutate("createRoom", { name: `Room ${index}` })),
      ...rooms.map((roomId) => other.mutate("addMember", { roomId, userId: eager.id })),
    ]);
    expect(attempts.filter(({ userErrors }) => userErrors.length === 0)).toHaveLength(maxRooms);
    expect(await roomsOf(eager.id)).toBe(maxRooms);
  });
});
