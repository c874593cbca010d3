import { isErasedId } from "../log/ids.ts";
import type { Change } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { Insistence } from "./insistence.ts";
import type { AudienceUse } from "./audience.ts";
import type { PresenceStore } from "./presence.store.ts";

/** The users who came to one of the viewer's rooms or left it; null: the viewer did, so that it may be anybody. */
export type CircleListener = (userIds: ReadonlySet<string> | null) => void;

export type CircleUse = Pick<AudienceUse, "clock"> & {
  hub: Pick<Hub, "watchUser" | "watchRooms" | "unwatchRooms" | "listen">;
  store: Pick<PresenceStore, "readRoomIds">;
  onFault: (fault: unknown) => void;
};

/** Notices when somebody begins or ceases to share a room with one viewer. */
export class Circle implements Disposable {
  readonly viewerId: string;
  readonly listeners = new Set<CircleListener>();
  readonly #use: CircleUse;
  /** Of the rooms that are watched, how to stop listening. */
  readonly #rooms = new Map<string, () => void>();
  readonly #insistence: Insistence;
  #stopWatchingUser = () => {};
  /** The viewer's revision that the rooms are of; -1 before they were read. */
  #revision = -1;
  /** Something has happened since the rooms were read, or began to be read. */
  #isStale = false;
  #isRefreshing = true;
  #isClosed = false;

  private constructor(viewerId: string, use: CircleUse) {
    this.viewerId = viewerId;
    this.#use = use;
    this.#insistence = new Insistence(use);
  }

  /** Once it resolves, nothing is missed. */
  static async open(viewerId: string, use: CircleUse): Promise<Circle> {
    const circle = new Circle(viewerId, use);
    try {
      circle.#stopWatchingUser = await use.hub.watchUser(viewerId, (revision) => circle.#viewerMoved(revision));
      await circle.#readRooms();
      void circle.#refresh();
      return circle;
    } catch (fault) {
      circle[Symbol.dispose]();
      throw fault;
    }
  }

  #tell(userIds: ReadonlySet<string> | null): void {
    for (const listener of this.listeners) listener(userIds);
  }

  #viewerMoved(revision: number): void {
    if (revision !== this.#revision) this.#lookAnew();
  }

  #lookAnew(): void {
    this.#isStale = true;
    // At once: what the viewer may see is not known any more.
    this.#tell(null);
    if (!this.#isRefreshing) void this.#refresh();
  }

  async #refresh(): Promise<void> {
    this.#isRefreshing = true;
    while (this.#isStale && !this.#isClosed) {
      await this.#insistence.on(() => this.#readRooms());
      // Somebody may have come or gone in a room before it was watched.
      this.#tell(null);
    }
    this.#isRefreshing = false;
  }

  async #readRooms(): Promise<void> {
    const { hub, store } = this.#use;
    this.#isStale = false;
    const read = await store.readRoomIds(this.viewerId);
    const roomIds = new Set(read.roomIds);
    if (this.#isClosed) return;
    const added = [...roomIds].filter((roomId) => !this.#rooms.has(roomId));
    await hub.watchRooms(added);
    if (this.#isClosed) return hub.unwatchRooms(added);
    for (const roomId of added)
      this.#rooms.set(
        roomId,
        hub.listen(roomId, { changed: (changes) => this.#changed(changes), reset: () => this.#lookAnew() }),
      );
    this.#unwatch([...this.#rooms.keys()].filter((roomId) => !roomIds.has(roomId)));
    this.#revision = read.revision;
  }

  #changed(changes: readonly Change[]): void {
    const userIds = new Set<string>();
    for (const change of changes)
      if (change.type === "MemberJoined" || change.type === "MemberLeft") userIds.add(change.member.userId);
    // Where somebody was erased, nobody can tell who it was.
    if (userIds.has(this.viewerId) || userIds.values().some(isErasedId)) this.#lookAnew();
    else if (userIds.size > 0) this.#tell(userIds);
  }

  #unwatch(roomIds: readonly string[]): void {
    for (const roomId of roomIds) {
      this.#rooms.get(roomId)?.();
      this.#rooms.delete(roomId);
    }
    this.#use.hub.unwatchRooms([...roomIds]);
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#insistence[Symbol.dispose]();
    this.#stopWatchingUser();
    this.#unwatch([...this.#rooms.keys()]);
  }
}
