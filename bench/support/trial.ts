import { until } from "../../test/support/until.ts";
import type { Audience, Flight } from "./audience.ts";
import { monotonicMs } from "./clock.ts";
import type { Program } from "./processes.ts";
import { percentile } from "./statistics.ts";
import { within } from "./within.ts";

const drainDeadlineMs = 120_000;

export interface Trial {
  audience: Audience;
  server: Program;
  /** How long messages are sent; what is on its way then is waited for. */
  seconds: number;
}

export interface TrialFigures {
  messages: number;
  deliveries: number;
  /** CPU time of the server for each million of deliveries. */
  cpuSecondsPerMillion: number;
  deliveriesPerSecond: number;
  /** The share of one core that each used. Where the load's is near 1, the time of day says nothing about the server. */
  serverBusy: number;
  loadBusy: number;
  bytesPerFrame: number;
}

export interface LatencyFigures extends TrialFigures {
  /** From the hand-over to the bus to the receipt, over all deliveries. */
  p50Ms: number;
  p99Ms: number;
}

/** Keeps `inFlight` messages on their way: the next one is sent when the oldest of them has reached everybody. */
export async function closedLoop({ audience, server, seconds }: Trial, inFlight: number): Promise<TrialFigures> {
  return measure(audience, server, async () => {
    const finished = Promise.withResolvers<void>();
    const endMs = monotonicMs() + seconds * 1_000;
    const inOrder: Flight[] = [];
    let room = 0;
    const send = () => {
      inOrder.push(audience.publish(room));
      room = (room + 1) % audience.rooms;
    };
    audience.onReached = () => {
      while (inOrder[0]?.missing === 0) {
        inOrder.shift();
        if (monotonicMs() < endMs) send();
      }
      if (inOrder.length === 0) finished.resolve();
    };
    for (let count = 0; count < inFlight; count++) send();
    await within(
      "all messages have reached everybody",
      seconds * 1_000 + drainDeadlineMs,
      race(finished.promise, audience, server),
    );
  });
}

/** Sends at an even rate whatever the server does, to the rooms in turn. */
export async function fixedRate(
  { audience, server, seconds }: Trial,
  messagesPerSecond: number,
): Promise<LatencyFigures> {
  const flights: Flight[] = [];
  audience.notesReceipts = true;
  const figures = await measure(audience, server, async () => {
    const finished = Promise.withResolvers<void>();
    const count = Math.max(1, Math.round(seconds * messagesPerSecond));
    let reached = 0;
    audience.onReached = () => {
      reached += 1;
      if (reached === count) finished.resolve();
    };
    const timer = setInterval(() => {
      flights.push(audience.publish(flights.length % audience.rooms));
      if (flights.length === count) clearInterval(timer);
    }, 1_000 / messagesPerSecond);
    try {
      await within(
        "all messages have reached everybody",
        seconds * 1_000 + drainDeadlineMs,
        race(finished.promise, audience, server),
      );
    } finally {
      clearInterval(timer);
    }
  });
  audience.notesReceipts = false;
  await until("the contestant has said when it handed over each message", () =>
    flights.every(({ handedOverMs }) => handedOverMs !== undefined),
  );
  const latenciesMs = flights.flatMap(({ handedOverMs, receiptsMs }) => receiptsMs.map((atMs) => atMs - handedOverMs!));
  return { ...figures, p50Ms: percentile(latenciesMs, 50), p99Ms: percentile(latenciesMs, 99) };
}

function race(finished: Promise<void>, audience: Audience, server: Program): Promise<void> {
  return Promise.race([finished, audience.failed, server.failed]);
}

async function measure(audience: Audience, server: Program, run: () => Promise<void>): Promise<TrialFigures> {
  audience.deliveries = 0;
  audience.deliveredBytes = 0;
  const before = await server.usage();
  const loadBefore = process.cpuUsage();
  const startMs = monotonicMs();
  try {
    await run();
  } finally {
    audience.onReached = () => undefined;
  }
  const elapsedMs = audience.lastDeliveryMs - startMs;
  const load = process.cpuUsage(loadBefore);
  const cpuMs = (await server.usage()).cpuMs - before.cpuMs;
  audience.check();
  const { deliveries, deliveredBytes } = audience;
  return {
    messages: Math.round((deliveries * audience.rooms) / audience.size),
    deliveries,
    cpuSecondsPerMillion: (cpuMs * 1_000) / deliveries,
    deliveriesPerSecond: (deliveries * 1_000) / elapsedMs,
    serverBusy: cpuMs / elapsedMs,
    loadBusy: (load.user + load.system) / 1_000 / elapsedMs,
    bytesPerFrame: deliveredBytes / deliveries,
  };
}
