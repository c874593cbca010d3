import type {
  Change,
  ChangeKind,
  MemberRole,
  MemberRow,
  MessageRow,
  ReadRange,
  RoomRow,
} from "../../src/log/changes.ts";
import { kindOf, memberAsOf, messageAsOf } from "../../src/log/changes.ts";
import { derivedId } from "../../src/log/ids.ts";
import type { RoomHead } from "../../src/log/log.store.ts";
import type { RoomPage } from "../../src/log/room-page.ts";
import type { Publication } from "../../src/log/publication.ts";

/** A stay in a room: from the revision of joining to that of leaving, null while it lasts. */
export type Stay = { from: number; to: number | null };
export type ModelRange = ReadRange & { revision: number };

/**
 * One room as the database would hold it, in the plainest way: arrays that are looked through. Every change returns what
 * a node would publish of it. Contents say at which revision they were written, so that a leak can be seen.
 */
export class ModelRoom {
  readonly id: string;
  messages: MessageRow[] = [];
  members = new Map<string, MemberRow>();
  stays = new Map<string, Stay[]>();
  ranges: ModelRange[] = [];
  row: RoomRow;
  #last: Record<ChangeKind, number> = { MESSAGE: 0, RECEIPT: 0, MEMBER: 0, ROOM: 0 };

  constructor(id: string) {
    this.id = id;
    this.row = {
      id,
      kind: "GROUP",
      name: "name@0",
      createdAt: 1,
      memberCount: 0,
      revision: 0,
      roomRevision: 0,
      memberRevision: 0,
    };
  }

  get revision(): number {
    return this.row.revision;
  }

  isMember(userId: string): boolean {
    return this.members.get(userId)?.leftRevision === null;
  }

  /** Several messages in one commit. */
  send(senderId: string, count = 1): Publication {
    const changes: Change[] = [];
    for (let index = 0; index < count; index++) {
      const revision = this.#next("MESSAGE");
      const message: MessageRow = {
        id: derivedId("model", this.id, String(revision)),
        roomId: this.id,
        position: revision,
        revision,
        senderId,
        clientMessageId: String(revision),
        content: `content@${revision}`,
        hlc: `${revision.toString(16).padStart(12, "0")}-0000-model`,
        sentAt: revision,
        editedAt: null,
        deletedAt: null,
        replyToId: null,
      };
      this.messages.push(message);
      changes.push({ type: "MessageSent", revision, message });
    }
    return this.#publication(changes);
  }

  edit(index: number): Publication | null {
    return this.#changeMessage(index, "MessageEdited", (revision) => ({
      content: `content@${revision}`,
      editedAt: revision,
    }));
  }

  delete(index: number): Publication | null {
    return this.#changeMessage(index, "MessageDeleted", (revision) => ({ content: null, deletedAt: revision }));
  }

  #changeMessage(
    index: number,
    type: "MessageEdited" | "MessageDeleted",
    to: (revision: number) => Partial<MessageRow>,
  ): Publication | null {
    const at = index % this.messages.length;
    const present = this.messages[at];
    if (!present || present.deletedAt !== null) return null;
    const revision = this.#next("MESSAGE");
    const message = { ...present, revision, ...to(revision) };
    this.messages[at] = message;
    return this.#publication([{ type, revision, message }]);
  }

  /** Receipts of one reader, committed together. */
  read(readerId: string, count = 1): Publication {
    const revision = this.#next("RECEIPT");
    const ranges = Array.from({ length: count }, (_, index) => ({
      readerId,
      from: revision * 10 + index,
      through: revision * 10 + index,
      readAt: revision,
    }));
    this.ranges.push(...ranges.map((range) => ({ ...range, revision })));
    return this.#publication([{ type: "MessagesRead", revision, ranges }]);
  }

  join(userId: string, role: MemberRole = "MEMBER"): Publication | null {
    if (this.isMember(userId)) return null;
    const revision = this.#next("MEMBER");
    const member: MemberRow = {
      roomId: this.id,
      userId,
      role,
      revision,
      joinedRevision: revision,
      joinedAt: revision,
      leftRevision: null,
      leftAt: null,
    };
    this.members.set(userId, member);
    this.stays.set(userId, [...(this.stays.get(userId) ?? []), { from: revision, to: null }]);
    return this.#publication([{ type: "MemberJoined", revision, member }]);
  }

  leave(userId: string): Publication | null {
    const present = this.members.get(userId);
    if (!present || present.leftRevision !== null) return null;
    const revision = this.#next("MEMBER");
    const member = { ...present, revision, leftRevision: revision, leftAt: revision };
    this.members.set(userId, member);
    this.stays.get(userId)!.at(-1)!.to = revision;
    return this.#publication([{ type: "MemberLeft", revision, member }]);
  }

  setRole(userId: string): Publication | null {
    const present = this.members.get(userId);
    if (!present || present.leftRevision !== null) return null;
    const revision = this.#next("MEMBER");
    const member = { ...present, revision, role: present.role === "ADMIN" ? ("MEMBER" as const) : ("ADMIN" as const) };
    this.members.set(userId, member);
    return this.#publication([{ type: "MemberUpdated", revision, member }]);
  }

  rename(): Publication {
    const revision = this.#next("ROOM");
    this.row = { ...this.row, name: `name@${revision}` };
    return this.#publication([{ type: "RoomUpdated", revision }]);
  }

  head(): RoomHead {
    return { room: this.row, last: { ...this.#last } };
  }

  /** All that changed after a position up to a bound, in the latest state, told as the contract says. */
  changesBetween(after: number, bound: number, leftRevision: number | null): Change[] {
    const isDue = (revision: number) => revision > after && revision <= bound;
    const changes: Change[] = [];
    for (const message of this.messages) {
      const seen = messageAsOf(message, leftRevision);
      if (isDue(message.position)) changes.push({ type: "MessageSent", revision: message.position, message: seen });
      else if (isDue(message.revision)) {
        const type = message.deletedAt === null ? "MessageEdited" : "MessageDeleted";
        changes.push({ type, revision: message.revision, message: seen });
      }
    }
    for (const revision of new Set(this.ranges.map((range) => range.revision).filter(isDue))) {
      const ranges = this.ranges.filter((range) => range.revision === revision);
      changes.push({ type: "MessagesRead", revision, ranges });
    }
    for (const member of this.members.values()) {
      const seen = memberAsOf(member, leftRevision);
      const { joinedRevision, revision } = member;
      const joined = isDue(joinedRevision);
      if (joined) changes.push({ type: "MemberJoined", revision: joinedRevision, member: seen });
      if (!isDue(revision) || revision === joinedRevision) continue;
      if (member.leftRevision !== null) changes.push({ type: "MemberLeft", revision, member: seen });
      else if (!joined) changes.push({ type: "MemberUpdated", revision, member: seen });
    }
    if (isDue(this.#last.ROOM)) changes.push({ type: "RoomUpdated", revision: this.#last.ROOM });
    return changes.sort((a, b) => a.revision - b.revision);
  }

  /** What one reader has coming, `limit` changes at most; null for who never was in the room. */
  pageFor(
    userId: string,
    { after, limit, kinds }: { after: number; limit: number; kinds: ReadonlySet<ChangeKind> },
  ): RoomPage | null {
    const membership = this.members.get(userId);
    if (!membership) return null;
    const { leftRevision } = membership;
    const bound = leftRevision ?? this.revision;
    const wanted = this.changesBetween(after, bound, leftRevision).filter(
      (change) => kinds.has(kindOf[change.type]) || (change.type === "MemberLeft" && change.revision === leftRevision),
    );
    const changes = wanted.slice(0, limit);
    const complete = changes.length === wanted.length;
    const through = complete ? Math.max(bound, after) : (changes.at(-1)?.revision ?? after);
    return { roomId: this.id, after, changes, through, complete, bound, leftRevision };
  }

  #next(kind: ChangeKind): number {
    const revision = this.row.revision + 1;
    this.row = { ...this.row, revision };
    this.#last[kind] = revision;
    return revision;
  }

  #publication(changes: Change[]): Publication {
    let memberCount = 0;
    for (const member of this.members.values()) if (member.leftRevision === null) memberCount += 1;
    this.row = { ...this.row, memberCount, memberRevision: this.#last.MEMBER, roomRevision: this.#last.ROOM };
    const kind = kindOf[changes[0]!.type];
    const room = kind === "MEMBER" || kind === "ROOM" ? this.row : null;
    return { roomId: this.id, changes, users: [], messages: [], room };
  }
}
