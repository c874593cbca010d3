import { parseUser, parseVersion } from "./presence-board.announcement.ts";
import type { StoredUser } from "./presence-board.announcement.ts";
import { bucketKeys } from "./presence-board.keys.ts";
import type { Lease } from "./presence-board.lease.ts";
import type { BucketReading } from "./presence-board.mirror.ts";
import type { BoardRedis } from "./presence-board.scripts.ts";

/** One script reads at most this many users, so that nobody else in Redis waits long. */
export const maxUsersRead = 256;
/** Beyond, a reading has no answer, rather than waiting behind the others. */
const maxReadings = 512;

/** Reads users from Redis. While Redis gives this node no lease it is not even asked. */
export class Reader {
  readonly #redis: BoardRedis;
  readonly #lease: Lease;
  #readings = 0;

  constructor(options: { redis: BoardRedis; lease: Lease }) {
    this.#redis = options.redis;
    this.#lease = options.lease;
  }

  /** At most `maxUsersRead`. Null: there was no answer. */
  async readBucket(bucket: number, userIds: readonly string[]): Promise<BucketReading | null> {
    if (!this.#lease.up || this.#readings >= maxReadings) return null;
    this.#readings += 1;
    const keys = [bucketKeys.version(bucket), ...userIds.map((userId) => bucketKeys.user(bucket, userId))];
    const reply = await this.#redis.run("read", keys, []);
    this.#readings -= 1;
    const version = parseVersion(reply?.[0]);
    if (!reply || version === null) return null;
    return { version, users: new Map(userIds.map((userId, at) => [userId, parseUser(reply[at + 1])])) };
  }

  /** Any number. Null: not for all of them was there an answer. */
  async read(bucket: number, userIds: readonly string[]): Promise<Map<string, StoredUser> | null> {
    const users = new Map<string, StoredUser>();
    for (let from = 0; from < userIds.length; from += maxUsersRead) {
      const reading = await this.readBucket(bucket, userIds.slice(from, from + maxUsersRead));
      if (reading === null) return null;
      for (const [userId, user] of reading.users) users.set(userId, user);
    }
    return users;
  }
}
