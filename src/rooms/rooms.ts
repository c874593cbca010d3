import { isUserId } from "../accounts/user-id.ts";
import { forbidden, invalid, notFound } from "../errors.ts";
import { checkText } from "../text.ts";
import type { Change, MemberRole, MemberRow } from "../log/changes.ts";
import { derivedId, isErasedId, isId, newId } from "../log/ids.ts";
import type { LockedRoom, RoomLog, Work } from "../log/room-log.ts";
import {
  countOwners,
  countRooms,
  insertRoom,
  isManager,
  readLongestStanding,
  readMemberRows,
  saveLeave,
  saveMembers,
  saveRole,
} from "./rooms.store.ts";

const maxNameCharacters = 100;
const maxMembersAtOnce = 1_000;

export type Rooms = ReturnType<typeof createRooms>;

/**
 * Who may do what in a room. Not a member and no such room cannot be told apart: both are NOT_FOUND. What changes
 * nothing takes no revision and is no error.
 */
export function createRooms({ log, maxRoomsPerUser }: { log: RoomLog; maxRoomsPerUser: number }) {
  /** A group whose owner is the actor. @throws Refusal INVALID, NOT_FOUND (a user), FORBIDDEN (too many rooms) */
  async function create(actorId: string, input: { name: string; memberIds: string[] }): Promise<string> {
    const name = checkName(input.name);
    const userIds = [...new Set([actorId, ...input.memberIds])];
    if (userIds.length > maxMembersAtOnce) throw invalid(`At most ${maxMembersAtOnce} members at once.`, ["memberIds"]);
    return insert(
      { id: newId(), kind: "GROUP", name },
      { userIds, roleOf: (userId) => (userId === actorId ? "OWNER" : "MEMBER"), argument: "memberIds" },
    );
  }

  /** The one direct room of two users; its id is derived from the pair, so that two who open it at once open the same. */
  async function openDirect(actorId: string, userId: string): Promise<string> {
    if (userId === actorId) throw invalid("A direct room has two users.", ["userId"]);
    const id = derivedId("direct", ...[actorId, userId].sort());
    const pair = [actorId, userId];
    try {
      return await insert(
        { id, kind: "DIRECT", name: null },
        { userIds: pair, roleOf: () => "MEMBER", argument: "userId" },
      );
    } catch (error) {
      if (error instanceof AlreadyThere) return comeBack(id, pair);
      throw error;
    }
  }

  /** Nobody leaves a direct room but who is erased, and may come back as a user of the same id. */
  function comeBack(roomId: string, pair: string[]): Promise<string> {
    return log.change(roomId, async (room) => {
      const members = await readMemberRows(room.tx, roomId, pair);
      const missing = pair.filter((userId) => members.get(userId)?.leftRevision !== null);
      if (missing.length === 0) return { result: roomId, changes: [] };
      await checkUsers(room, missing, "userId");
      const changes = await join(
        room,
        missing.map((userId) => ({ userId, role: "MEMBER" as const })),
      );
      return { result: roomId, changes, memberships: missing };
    });
  }

  async function insert(
    room: { id: string; kind: "DIRECT" | "GROUP"; name: string | null },
    members: { userIds: string[]; roleOf: (userId: string) => MemberRole; argument: string },
  ): Promise<string> {
    const { userIds, roleOf, argument } = members;
    if (!userIds.every(isUserId)) throw notFound("user", [argument]);
    return log.create(
      async (tx) => (await insertRoom(tx, room)) ?? alreadyThere(),
      async (locked) => {
        await checkUsers(locked, userIds, argument);
        const changes = await join(
          locked,
          userIds.map((userId) => ({ userId, role: roleOf(userId) })),
        );
        return { result: room.id, changes, memberships: userIds };
      },
    );
  }

  /** @throws Refusal NOT_FOUND, FORBIDDEN, INVALID */
  function update(actorId: string, { roomId, name }: { roomId: string; name: string }): Promise<string> {
    const checked = checkName(name);
    return changeRoom(actorId, roomId, async (room, actor) => {
      requireManager(actor);
      if (room.row.name === checked) return { result: roomId, changes: [] };
      room.row.name = checked;
      return { result: roomId, changes: [{ type: "RoomUpdated", revision: room.next() }] };
    });
  }

  /** Only an owner makes owners and admins. One who is a member already stays as they are. */
  function addMember(actorId: string, input: { roomId: string; userId: string; role: MemberRole }): Promise<MemberRow> {
    const { roomId, userId, role } = input;
    return changeRoom(actorId, roomId, async (room, actor) => {
      requireManager(actor);
      if (role !== "MEMBER" && actor.role !== "OWNER") throw forbidden("Only an owner can do this.", ["role"]);
      if (!isUserId(userId)) throw notFound("user", ["userId"]);
      const present = (await readMemberRows(room.tx, roomId, [userId])).get(userId);
      if (present && present.leftRevision === null) return { result: present, changes: [] };
      await checkUsers(room, [userId], "userId");
      const changes = await join(room, [{ userId, role }]);
      return { result: changes[0]!.member, changes, memberships: [userId] };
    });
  }

  /** Oneself, or as an owner anyone, or as an admin a member. The last owner who leaves is followed by the longest-standing member. */
  function removeMember(actorId: string, { roomId, userId }: { roomId: string; userId: string }): Promise<string> {
    return changeRoom(actorId, roomId, async (room, actor) => {
      if (userId !== actorId) requireManager(actor);
      const member = isUserId(userId) ? (await readMemberRows(room.tx, roomId, [userId])).get(userId) : undefined;
      if (!member) throw notFound("member", ["userId"]);
      if (member.leftRevision !== null) return { result: roomId, changes: [] };
      if (userId !== actorId && actor.role !== "OWNER" && member.role !== "MEMBER")
        throw forbidden("Only an owner can do this.", ["userId"]);
      const changes = [await leave(room, member), ...(await succession(room))];
      return { result: roomId, changes, memberships: [userId] };
    });
  }

  /** For one who goes for good: ends a membership in any room, where there is one. Gives the room's revision. */
  function depart(roomId: string, userId: string): Promise<number> {
    return log.change(roomId, async (room) => {
      const member = (await readMemberRows(room.tx, roomId, [userId])).get(userId);
      if (!member || member.leftRevision !== null) return { result: room.row.revision, changes: [] };
      const changes = [await leave(room, member), ...(await succession(room))];
      return { result: room.row.revision, changes, memberships: [userId] };
    });
  }

  /** @throws Refusal FORBIDDEN for all but owners, and for the last owner's own step down */
  function updateMember(
    actorId: string,
    input: { roomId: string; userId: string; role: MemberRole },
  ): Promise<MemberRow> {
    const { roomId, userId, role } = input;
    return changeRoom(actorId, roomId, async (room, actor) => {
      if (actor.role !== "OWNER") throw forbidden("Only an owner can do this.");
      const member = isUserId(userId) ? (await readMemberRows(room.tx, roomId, [userId])).get(userId) : undefined;
      if (!member || member.leftRevision !== null) throw notFound("member", ["userId"]);
      if (member.role === role) return { result: member, changes: [] };
      if (member.role === "OWNER" && (await countOwners(room.tx, roomId)) === 1)
        throw forbidden("A room has an owner: name another one first.", ["role"]);
      const change = await setRole(room, member, role);
      return { result: change.member, changes: [change] };
    });
  }

  /** Under the room's lock, for a member, in a group. */
  async function changeRoom<Result>(
    actorId: string,
    roomId: string,
    work: (room: LockedRoom, actor: MemberRow) => Promise<Work<Result>>,
  ): Promise<Result> {
    if (!isId(roomId)) throw notFound("room", ["roomId"]);
    const readActor = async (tx: LockedRoom["tx"]) => (await readMemberRows(tx, roomId, [actorId])).get(actorId);
    const asMember = async (room: LockedRoom) => {
      const actor = await readActor(room.tx);
      if (!actor || actor.leftRevision !== null) throw notFound("room", ["roomId"]);
      if (room.row.kind === "DIRECT") throw forbidden("A direct room stays as it is.", ["roomId"]);
      return work(room, actor);
    };
    return log.change(roomId, asMember, readActor);
  }

  async function checkUsers(room: LockedRoom, userIds: string[], argument: string): Promise<void> {
    const counts = await countRooms(room.tx, userIds);
    for (const userId of userIds) {
      const rooms = counts.get(userId);
      if (rooms === undefined || isErasedId(userId)) throw notFound("user", [argument]);
      if (rooms >= maxRoomsPerUser) throw forbidden(`A user can be in ${maxRoomsPerUser} rooms.`, [argument]);
    }
  }

  return { create, openDirect, update, addMember, removeMember, updateMember, depart };
}

class AlreadyThere extends Error {}

function alreadyThere(): never {
  throw new AlreadyThere("The room is there already.");
}

function checkName(name: string): string {
  const trimmed = checkText(name.trim(), { name: "name", max: maxNameCharacters });
  if (/\p{Cc}/u.test(trimmed)) throw invalid("`name` has control characters.", ["name"]);
  return trimmed;
}

function requireManager(actor: MemberRow): void {
  if (!isManager(actor.role)) throw forbidden("Only an owner or admin can do this.");
}

/** In this order. */
async function join(room: LockedRoom, joining: readonly { userId: string; role: MemberRole }[]) {
  const changes = joining.map(({ userId, role }) => {
    const revision = room.next();
    const member: MemberRow = {
      roomId: room.row.id,
      userId,
      role,
      revision,
      joinedRevision: revision,
      joinedAt: room.now,
      leftRevision: null,
      leftAt: null,
    };
    return { type: "MemberJoined" as const, revision, member };
  });
  const members = changes.map(({ member }) => member);
  await saveMembers(room.tx, members);
  room.row.memberCount += members.length;
  return changes;
}

async function leave(room: LockedRoom, present: MemberRow): Promise<Change> {
  const revision = room.next();
  const member = { ...present, revision, leftRevision: revision, leftAt: room.now };
  await saveLeave(room.tx, member);
  room.row.memberCount -= 1;
  return { type: "MemberLeft", revision, member };
}

async function setRole(room: LockedRoom, present: MemberRow, role: MemberRole) {
  const revision = room.next();
  const member = { ...present, role, revision };
  await saveRole(room.tx, member);
  return { type: "MemberUpdated" as const, revision, member };
}

async function succession(room: LockedRoom): Promise<Change[]> {
  if ((await countOwners(room.tx, room.row.id)) > 0) return [];
  const heir = await readLongestStanding(room.tx, room.row.id);
  return heir ? [await setRole(room, heir, "OWNER")] : [];
}
