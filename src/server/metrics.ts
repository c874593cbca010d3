import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { HubMetrics } from "../log/hub.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** What /metrics tells, in the text format of Prometheus. Each server has its own. */
export function createMetrics() {
  const registers = [new Registry()];
  const [registry] = registers as [Registry];
  collectDefaultMetrics({ register: registry });
  const counter = (name: string, help: string) => new Counter({ name: `causerie_${name}`, help, registers });

  const events = counter(
    "events_in_total",
    "Publications of the room log that this node took in, its own and others'.",
  );
  const gaps = counter("bus_gaps_total", "Times that a room's log was read because publications were missing or late.");
  const catchUps = counter(
    "catch_ups_total",
    "Pages that subscribers read from the database, since they resumed or fell behind.",
  );
  const slow = counter("slow_consumers_total", "Times that a subscriber took too little and was moved to catch-up.");
  const tooSlow = counter("too_slow_closed_total", "Connections closed with 1013 since they did not drain.");
  const sizes = new Histogram({
    name: "causerie_send_batch_messages",
    help: "Messages that were committed together.",
    buckets: [1, 2, 5, 10, 20, 50, 100],
    registers,
  });

  const hub: HubMetrics = {
    eventIn: () => events.inc(),
    busGap: () => gaps.inc(),
    catchUp: () => catchUps.inc(),
    slowConsumer: () => slow.inc(),
    tooSlow: () => tooSlow.inc(),
  };

  /** A figure that is read when it is asked for. */
  function gauge(name: string, help: string, read: () => number): void {
    const made = new Gauge({
      name: `causerie_${name}`,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    });
    registry.registerMetric(made);
  }

  return {
    hub,
    sendBatch: (size: number) => sizes.observe(size),
    gauge,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
