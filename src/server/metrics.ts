import { collectDefaultMetrics, Registry } from "prom-client";
import type { HubMetrics } from "../log/hub-metrics.ts";
import { createMeters, secondsBuckets, type Meters } from "./meters.ts";
import { requestMetrics } from "./requests.ts";

export type Metrics = ReturnType<typeof createMetrics>;

/** What /metrics tells, in the text format of Prometheus. Each server has its own. */
export function createMetrics() {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const meters = createMeters(registry);
  const { counterBy, gauge, gauges, histogram } = meters;
  return {
    hub: hubMetrics(meters),
    requests: requestMetrics(meters),
    sendBatch: histogram("send_batch_messages", "Messages that were committed together.", [1, 2, 5, 10, 20, 50, 100]),
    poolWait: histogram(
      "database_wait_seconds",
      "How long a statement waited for a connection of the pool.",
      secondsBuckets,
    ),
    historyPages: counterBy(
      "history_pages_total",
      "Pages of history that a replica was asked for: it served, was behind, or was down, and the primary served.",
      { label: "source", values: ["replica", "behind", "down"] },
    ),
    gauge,
    gauges,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}

function hubMetrics({ counter, counterBy, histogramBy }: Meters): HubMetrics {
  return {
    eventsIn: counterBy("events_in_total", "Events of the room log that this node heard of, committed here or not.", {
      label: "route",
      values: ["here", "bus"],
    }),
    eventsOut: counterBy("events_out_total", "Events times the subscribers that they were given to.", {
      label: "how",
      values: ["live", "catch-up"],
    }),
    delivered: histogramBy(
      "delivery_latency_seconds",
      "From the commit of an event until it was written to a group's sockets: once for each event and group.",
      { label: "route", values: ["here", "bus", "database"], buckets: secondsBuckets },
    ),
    busGap: counter("bus_gaps_total", "Times that a room's log was read since publications were missing or late."),
    catchUp: counterBy("catch_ups_total", "Times that a subscriber had to read a room from the database, and why.", {
      label: "reason",
      values: ["resumed", "joined", "slow", "membership", "order", "fault"],
    }),
    catchUpPage: counter("catch_up_pages_total", "Pages that subscribers read from the database."),
    slowConsumer: counter("slow_consumers_total", "Times that a subscriber took too little and was moved to catch-up."),
    tooSlow: counter("too_slow_closed_total", "Connections closed with 1013 since they did not drain."),
    roomReset: counter("room_resets_total", "Times that the database had less of a room's log than was told before."),
  };
}
