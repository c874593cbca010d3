import type { Cluster, Redis } from "ioredis";
import type { Bus } from "./bus.ts";
import { NodePresenceBoard, boardSetup } from "./presence-board.node.ts";
import { RedisOtherNodes } from "./presence-board.others.redis.ts";
import type { BoardOptions, PresenceBoard } from "./presence-board.ts";

/**
 * The board of one node among many, over Redis 7 (one server, Sentinel or Cluster). Returns at once; it is `up` once it has its
 * lease, by itself. The bus and the connection are not closed with it; the connection gives up on each command within
 * `answerWithinMs` and keeps none for later.
 */
export function openRedisPresenceBoard(options: BoardOptions & { redis: Redis | Cluster; bus: Bus }): PresenceBoard {
  const setup = boardSetup(options);
  return new NodePresenceBoard(
    setup,
    (heard, local) => new RedisOtherNodes({ setup, client: options.redis, bus: options.bus, heard, local }),
  );
}
