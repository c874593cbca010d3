import type { Database } from "./database/pool.ts";
import type { Replicas } from "./database/replicas.ts";
import type { Bus } from "./live/bus.ts";
import type { PresenceBoard } from "./live/presence-board.ts";
import type { Hub } from "./log/hub.ts";
import type { Metrics } from "./server/metrics.ts";

/** What the gauges read, each time that /metrics is asked for. */
export type Gauged = {
  connections: () => Record<"websocket" | "event_stream", number>;
  /** By field. */
  subscriptions: () => Record<string, number>;
  database: Database;
  replicas: Replicas | null;
  bus: Bus;
  board: PresenceBoard;
  hub: Hub;
};

/** Metrics of what is, as opposed to what has happened: these are not counted but read. */
export function registerGauges({ gauge, gauges }: Metrics, gauged: Gauged): void {
  const { database, replicas, bus, board, hub } = gauged;
  gauges("connections", "Open WebSockets and event streams.", { label: "kind", read: gauged.connections });
  gauges("subscriptions", "Open subscriptions.", { label: "field", read: gauged.subscriptions });
  gauges("database_connections", "Connections of the pool; waiting: who waits for one.", {
    label: "state",
    read: () => {
      const { totalCount, idleCount, waitingCount } = database.pool;
      return { busy: totalCount - idleCount, idle: idleCount, waiting: waitingCount };
    },
  });
  if (replicas) gauge("replicas_up", "Replicas that answered when they were last asked.", () => replicas.up);

  gauge("bus_up", "1 while the other nodes' publications arrive, as far as known.", () => Number(bus.up));
  gauge(
    "lease_age_seconds",
    "Since this node's lease was last renewed: it is lost after 6.",
    () => board.stats.leaseAgeMsNow / 1_000,
  );

  gauge("watched_rooms", "Rooms that somebody on this node watches.", () => hub.watchedRooms);
  gauge("groups", "Groups of subscribers who asked alike, over all rooms.", () => hub.groups);
  gauge("ring_bytes", "What groups keep for subscribers that fall behind, of at most 64 MiB.", () => hub.ringBytes);
  gauge("catch_ups_waiting", "Reads for subscribers that wait for their turn.", () => hub.waitingCatchUps);

  gauge("presence_sessions", "Connections that count for presence.", () => board.stats.sessionsNow);
  gauge("presence_watched", "Users whose presence somebody on this node watches.", () => board.stats.watchedUsersNow);
  gauge("presence_unwritten", "Changes of presence that other nodes do not know yet.", () => board.stats.unwrittenNow);
}
