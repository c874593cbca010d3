import { SpanKind } from "@opentelemetry/api";
import { tracer } from "../tracing.ts";
import { type Route, writtenAtMs } from "./origin.ts";
import type { Entry } from "./ring.ts";
import { atTurnEnd, type EndsTurn } from "./turn-end.ts";

export interface DeliveryMetrics {
  /** Events times the subscribers who got them. */
  eventsOut(how: "live" | "catch-up", count: number): void;
  /** From the commit of an event until it was written for the subscribers of one group. */
  delivered(route: Route, seconds: number): void;
}

/** Responses of so many characters at most wait for the end of a turn, in all groups of a node together. */
const maxWaiting = 4 << 20;

type Handed = { entry: Entry; readers: number; atMs: number };

/**
 * Tells what a node delivers, and how long after the commit. It is told once for each event and group, never for each
 * subscriber, and looks at the clock once in a turn of the event loop, after the sockets were written.
 */
export class Deliveries implements EndsTurn {
  readonly #metrics: DeliveryMetrics;
  #handed: Handed[] = [];
  #waiting = 0;

  constructor(metrics: DeliveryMetrics) {
    this.#metrics = metrics;
  }

  /** A response of so many characters waits to be handed out. False where too much waits: then it is not to wait. */
  waits(characters: number): boolean {
    this.#waiting += characters;
    return this.#waiting <= maxWaiting;
  }

  /** Of those that waited. */
  waitsNoMore(characters: number): void {
    this.#waiting -= characters;
  }

  handedOut(entries: readonly Entry[], readers: number): void {
    if (readers === 0) return;
    this.#metrics.eventsOut("live", entries.length * readers);
    if (this.#handed.length === 0) atTurnEnd(this, "written");
    const atMs = wallClockMs();
    for (const entry of entries) this.#handed.push({ entry, readers, atMs });
  }

  endTurn(): void {
    const handed = this.#handed;
    this.#handed = [];
    const nowMs = wallClockMs();
    for (const { entry, readers, atMs } of handed) {
      const { change } = entry;
      const { origin } = change;
      const committedAtMs = origin.committedAtMs ?? writtenAtMs(change);
      // Two clocks may be apart.
      if (committedAtMs !== null) this.#metrics.delivered(origin.route, Math.max(0, nowMs - committedAtMs) / 1_000);
      tracer.startSpan("process room:{room}", spanOf(entry, readers, atMs), origin.context).end();
    }
  }
}

function spanOf({ change, revision }: Entry, readers: number, startTime: number) {
  return {
    kind: SpanKind.CONSUMER,
    startTime,
    attributes: {
      "messaging.system": "causerie",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": `room:${change.roomId}`,
      "messaging.destination.template": "room:{room}",
      "causerie.event.type": change.type,
      "causerie.event.revision": revision,
      "causerie.event.route": change.origin.route,
      "causerie.event.subscribers": readers,
    },
  };
}

/** `Date.now()` with fractions: most deliveries take less than the millisecond that it counts in. */
export function wallClockMs(): number {
  const apartMs = Date.now() - (originMs + performance.now());
  // The clock was set.
  if (Math.abs(apartMs) > 5) originMs += apartMs;
  return originMs + performance.now();
}

let originMs = performance.timeOrigin;
