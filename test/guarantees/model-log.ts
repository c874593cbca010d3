import { changeKinds } from "../../src/log/changes.ts";
import type { Position } from "../../src/log/cursor.ts";
import type { LogStore, Membership } from "../../src/log/log.store.ts";
import type { RoomPage } from "../../src/log/room-page.ts";
import type { Publication } from "../../src/log/publication.ts";
import { ModelRoom } from "./model-room.ts";

/** Pages are this small so that few changes make many pages. */
const pageSize = 4;

/** Decides when a read of the database answers, and whether it fails. What it answers is as of when it was asked. */
export type Answers = <Answer>(answer: Answer) => Promise<Answer>;

/** The whole log as a model, in the place of the database: rooms, and the users' own revisions. */
export class ModelLog {
  readonly rooms: Map<string, ModelRoom>;
  readonly users = new Map<string, number>();

  constructor(roomIds: string[]) {
    this.rooms = new Map(roomIds.map((id) => [id, new ModelRoom(id)]));
  }

  room(index: number): ModelRoom {
    return [...this.rooms.values()][index % this.rooms.size]!;
  }

  /** A change of somebody's membership: raises their revision too. */
  moved(userId: string, publication: Publication | null): Publication | null {
    if (publication) this.users.set(userId, (this.users.get(userId) ?? 0) + 1);
    return publication;
  }

  store(answers: Answers): LogStore {
    return {
      readForMember: ({ userId, after, limit, kinds }) =>
        answers(this.#pages(userId, after, Math.min(limit, pageSize), kinds ?? new Set(changeKinds))),
      readForNode: (position) => answers(this.#gap(position)),
      readHeads: (roomIds) => answers(this.#existing(roomIds).map((room) => room.head())),
      readMemberships: (userId, roomIds) =>
        answers(this.#existing(roomIds).flatMap((room) => membershipOf(room, userId) ?? [])),
      readRoomsOfUser: (userId) =>
        answers({
          revision: this.users.get(userId) ?? 0,
          rooms: [...this.rooms.values()]
            .filter((room) => room.isMember(userId))
            .map((room) => membershipOf(room, userId)!),
        }),
      readRevisions: (roomIds, userIds) =>
        answers({
          rooms: new Map(this.#existing(roomIds).map((room) => [room.id, room.revision])),
          users: new Map(userIds.map((userId) => [userId, this.users.get(userId) ?? 0])),
        }),
    };
  }

  #existing(roomIds: string[]): ModelRoom[] {
    return roomIds.flatMap((roomId) => this.rooms.get(roomId) ?? []);
  }

  #pages(userId: string, after: Position[], limit: number, kinds: RoomPageKinds) {
    const pages: RoomPage[] = [];
    let left = limit;
    let more = false;
    for (const { roomId, revision } of after) {
      const page = this.rooms.get(roomId)?.pageFor(userId, { after: revision, limit: left, kinds });
      if (!page) continue;
      if (page.complete || page.changes.length > 0) pages.push(page);
      left -= page.changes.length;
      more ||= !page.complete;
    }
    return { pages, more };
  }

  #gap({ roomId, revision: after }: Position) {
    const room = this.rooms.get(roomId);
    if (!room) return null;
    const wanted = room.changesBetween(after, room.revision, null);
    const changes = wanted.slice(0, pageSize);
    const complete = changes.length === wanted.length;
    const leavers = [...room.members.values()].filter((member) => (member.leftRevision ?? 0) > after);
    return {
      changes,
      through: complete ? Math.max(room.revision, after) : changes.at(-1)!.revision,
      complete,
      room: room.row,
      leavers: new Set(leavers.map((member) => member.userId)),
    };
  }
}

type RoomPageKinds = Parameters<ModelRoom["pageFor"]>[1]["kinds"];

function membershipOf(room: ModelRoom, userId: string): Membership | null {
  const member = room.members.get(userId);
  if (!member) return null;
  const { joinedRevision, leftRevision } = member;
  return { roomId: room.id, joinedRevision, leftRevision, roomRevision: room.revision };
}
