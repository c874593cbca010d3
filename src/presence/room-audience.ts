import { invalid, notFound, rateLimited } from "../errors.ts";
import type { Change, MemberChange } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { Audience, type AudienceUse } from "./audience.ts";
import { Follower, type VisibleRoom } from "./follower.ts";
import { Insistence } from "./insistence.ts";
import type { PresenceStore, Sight } from "./presence.store.ts";

/** A larger room's list would be of no use to anybody: its clients ask for users. */
const maxMembers = 5_000;
/** Memberships that change within the one statement that reads them. Beyond, whoever wants to follow is to try again. */
const maxEarlyMoves = 10_000;
const earlyRetryAfterMs = 1_000;
const sightsPerStatement = 5_000;

export type RoomAudienceUse = AudienceUse & {
  hub: Pick<Hub, "watchRooms" | "unwatchRooms" | "listen">;
  store: Pick<PresenceStore, "readRoster" | "readSharing">;
  visibleRoom: VisibleRoom;
  onFault: (fault: unknown) => void;
};

/** The presence of one room's members, for all on this node who follow it. */
export class RoomAudience implements Disposable {
  readonly roomId: string;
  readonly #use: RoomAudienceUse;
  readonly #audience: Audience;
  readonly #followers = new Set<Follower>();
  readonly #insistence: Insistence;
  /** Who came and went while it is not known who is a member; null once that is. */
  #earlyMoves: Move[] | null = [];
  #hasMissedMoves = false;
  /** Who came, is not in the audience yet, and has not left since. */
  readonly #joining = new Set<string>();
  #isClosed = false;
  readonly #stopListening: () => void;

  private constructor(options: { roomId: string; use: RoomAudienceUse; audience: Audience }) {
    this.roomId = options.roomId;
    this.#use = options.use;
    this.#audience = options.audience;
    this.#insistence = new Insistence(options.use);
    this.#stopListening = options.use.hub.listen(this.roomId, {
      changed: (changes) => this.#changed(changes),
      reset: () => this.#reset(),
    });
  }

  /** @throws Refusal NOT_FOUND, INVALID (too large), RATE_LIMITED */
  static async open(roomId: string, use: RoomAudienceUse): Promise<RoomAudience> {
    await use.hub.watchRooms([roomId]);
    let room: RoomAudience | undefined;
    try {
      const audience = await Audience.open(use, () => (room ? room.#tell() : undefined));
      room = new RoomAudience({ roomId, use, audience });
      await room.#gather();
      return room;
    } catch (fault) {
      if (room) room[Symbol.dispose]();
      else use.hub.unwatchRooms([roomId]);
      throw fault;
    }
  }

  /** Until its stream is closed. */
  join(viewerId: string, onClose: () => void): Follower {
    const follower: Follower = new Follower({
      viewerId,
      visibleRoom: this.#use.visibleRoom,
      onClose: () => {
        this.#followers.delete(follower);
        onClose();
      },
    });
    this.#followers.add(follower);
    follower.follow(this.#audience);
    return follower;
  }

  /** The follower's viewer came to other rooms, or left them. */
  viewerMoved(follower: Follower): void {
    follower.tellRoomsAgain();
    this.#audience.tellSoon();
  }

  async #gather(): Promise<void> {
    const members = await this.#readMembers(maxMembers);
    if (members.size === 0) throw notFound("room", ["roomId"]);
    await this.#audience.add([...members]);
    this.#audience.tell();
  }

  /** The room is watched, so whatever changes after they were read is heard of. @throws Refusal INVALID where there are more than `max` */
  async #readMembers(max: number | null): Promise<ReadonlySet<string>> {
    for (;;) {
      const moves = this.#earlyMoves!;
      const roster = await this.#use.store.readRoster(this.roomId, max === null ? null : max + 1);
      // The log went back meanwhile: this may be of before.
      if (moves !== this.#earlyMoves) continue;
      if (this.#hasMissedMoves) {
        this.#startOver();
        throw rateLimited(earlyRetryAfterMs);
      }
      const { revision, userIds } = roster ?? { revision: 0, userIds: [] };
      if (max !== null && userIds.length > max)
        throw invalid(`The room has more than ${max.toLocaleString("en")} members: ask for users.`, ["roomId"]);
      const { joined, left } = sumOf(moves.filter((move) => move.revision > revision));
      this.#earlyMoves = null;
      return new Set([...userIds.filter((userId) => !left.has(userId)), ...joined]);
    }
  }

  #startOver(): void {
    this.#earlyMoves = [];
    this.#hasMissedMoves = false;
  }

  /** Until it is known who is a member now, nothing is told. */
  #reset(): void {
    const isReading = this.#earlyMoves !== null;
    this.#startOver();
    this.#audience.suspend(this.#audience.userIds);
    if (!isReading) void this.#gatherAgain();
  }

  async #gatherAgain(): Promise<void> {
    const members = await this.#insistence.on(() => this.#readMembers(null));
    if (members === null) return;
    const known = [
      ...this.#audience.userIds,
      ...this.#joining,
      ...[...this.#followers].map(({ viewerId }) => viewerId),
    ];
    const left = new Set(known.filter((userId) => !members.has(userId)));
    if (left.size > 0) this.#leave(left);
    this.#audience.resume(new Set());
    void this.#join(members);
  }

  #tell(): void {
    for (const follower of this.#followers) follower.stream.changed();
  }

  #changed(changes: readonly Change[]): void {
    const moves = changes.filter(isMove);
    if (this.#earlyMoves) {
      this.#hasMissedMoves ||= this.#earlyMoves.length + moves.length > maxEarlyMoves;
      if (!this.#hasMissedMoves) this.#earlyMoves.push(...moves);
      return;
    }
    const { joined, left } = sumOf(moves);
    if (left.size > 0) this.#leave(left);
    if (joined.size > 0) void this.#join(joined);
  }

  /** Tries again until they are there, but for who has left again meanwhile. */
  async #join(joined: ReadonlySet<string>): Promise<void> {
    for (const userId of joined) this.#joining.add(userId);
    await this.#insistence.on(() => this.#audience.add([...joined].filter((userId) => this.#joining.has(userId))));
    for (const userId of joined) this.#joining.delete(userId);
  }

  /** At once nothing more is told of them, and to them; then, what their going means to each. */
  #leave(left: ReadonlySet<string>): void {
    for (const userId of left) this.#joining.delete(userId);
    this.#audience.remove(left);
    const staying = [...this.#audience.userIds];
    const leaving = [...this.#followers].filter(({ viewerId }) => left.has(viewerId));
    for (const follower of leaving) follower.leave();
    const viewerIds = new Set([...this.#followers].map(({ viewerId }) => viewerId));
    const sights = [...viewerIds].flatMap((viewerId) =>
      (left.has(viewerId) ? [...staying, ...left] : [...left]).map((userId) => ({ viewerId, userId })),
    );
    void this.#part(sights, leaving);
  }

  async #part(sights: readonly Sight[], leaving: readonly Follower[]): Promise<void> {
    const parted = await this.#insistence.on(() => this.#partedOf(sights));
    for (const follower of this.#followers) follower.part(parted?.get(follower.viewerId) ?? []);
    for (const follower of leaving) follower.end();
    this.#audience.tellSoon();
  }

  /** By viewer those who share no room any more. */
  async #partedOf(sights: readonly Sight[]): Promise<Map<string, string[]>> {
    const sharing = new Set<Sight>();
    for (let from = 0; from < sights.length; from += sightsPerStatement) {
      const some = await this.#use.store.readSharing(sights.slice(from, from + sightsPerStatement));
      for (const sight of some) sharing.add(sight);
    }
    const parted = Map.groupBy(
      sights.filter((sight) => !sharing.has(sight)),
      ({ viewerId }) => viewerId,
    );
    return new Map([...parted].map(([viewerId, of]) => [viewerId, of.map(({ userId }) => userId)]));
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    this.#insistence[Symbol.dispose]();
    this.#audience[Symbol.dispose]();
    this.#use.hub.unwatchRooms([this.roomId]);
  }
}

/** Somebody comes to the room, or leaves it. */
type Move = MemberChange & { type: "MemberJoined" | "MemberLeft" };
const isMove = (change: Change): change is Move => change.type === "MemberJoined" || change.type === "MemberLeft";

/** Who has left, and who is there at the end: one who came back is in both. */
function sumOf(moves: readonly Move[]): { joined: Set<string>; left: Set<string> } {
  const joined = new Set<string>();
  const left = new Set<string>();
  for (const { type, member } of moves) {
    if (type === "MemberJoined") joined.add(member.userId);
    else {
      left.add(member.userId);
      joined.delete(member.userId);
    }
  }
  return { joined, left };
}
