import type { Bus } from "../live/bus.ts";
import type { LogStore } from "./log.store.ts";
import type { WatchedRoom, WatchedUser } from "./watches.ts";

type ComparisonUse = {
  rooms: ReadonlyMap<string, WatchedRoom>;
  users: ReadonlyMap<string, WatchedUser>;
  store: Pick<LogStore, "readRevisions">;
  bus: Pick<Bus, "onRecovered">;
  /** At the beginning of each: what an earlier one left to be done. */
  resume: () => Promise<void>;
  /** The database has less of these rooms than this node knows. */
  onBack: (roomIds: string[]) => Promise<void>;
  onFault: (fault: unknown) => void;
  intervalMs: number;
};

const revisionsPerQuery = 5_000;

/** Compares the revisions of all that is watched with the database, every few seconds and after each interruption of the bus. */
export class Comparison implements AsyncDisposable {
  readonly #use: ComparisonUse;
  readonly #timer: NodeJS.Timeout;
  readonly #stopListening: () => void;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(use: ComparisonUse) {
    this.#use = use;
    this.#timer = setInterval(() => void this.run(), use.intervalMs);
    this.#stopListening = use.bus.onRecovered(() => void this.run());
  }

  /** Has what was missed fetched. One runs at a time: who asks meanwhile gets the end of it. */
  run(): Promise<void> {
    return (this.#running ??= this.#compare()
      .catch(this.#use.onFault)
      .finally(() => (this.#running = undefined)));
  }

  async #compare(): Promise<void> {
    await this.#use.resume();
    const roomIds = [...this.#use.rooms.keys()];
    const userIds = [...this.#use.users.keys()];
    for (let start = 0; start < Math.max(roomIds.length, userIds.length); start += revisionsPerQuery) {
      const end = start + revisionsPerQuery;
      await this.#comparePart(roomIds.slice(start, end), userIds.slice(start, end));
      if (this.#closed) return;
    }
  }

  async #comparePart(roomIds: string[], userIds: string[]): Promise<void> {
    const { rooms: watchedRooms, users: watchedUsers } = this.#use;
    // Everything up to here was committed before the database is asked: if it has less, it went back.
    const feeds = roomIds.map((roomId) => watchedRooms.get(roomId)?.feed);
    const positions = feeds.map((feed) => feed?.position ?? 0);
    const known = userIds.map((userId) => watchedUsers.get(userId)?.revision ?? 0);
    const { rooms, users } = await this.#use.store.readRevisions(roomIds, userIds);
    if (this.#closed) return;
    const back: string[] = [];
    roomIds.forEach((roomId, index) => {
      const feed = feeds[index];
      if (!feed || feed !== watchedRooms.get(roomId)?.feed) return;
      const revision = rooms.get(roomId) ?? 0;
      if (revision < positions[index]!) back.push(roomId);
      else feed.expect(revision);
    });
    userIds.forEach((userId, index) => {
      const revision = users.get(userId) ?? 0;
      if (revision < known[index]!) watchedUsers.get(userId)?.reset(revision);
      else watchedUsers.get(userId)?.changed(revision);
    });
    if (back.length > 0) await this.#use.onBack(back);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#stopListening();
    await this.#running;
  }
}
