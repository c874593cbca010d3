import type { ServerResponse } from "node:http";
import type { Mask } from "../graphql/errors.ts";
import type { Connections } from "./connections.ts";
import { Deadlines } from "./deadlines.ts";
import { EventStream } from "./event-stream.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { spread } from "./spread.ts";
import { Sweep } from "./sweep.ts";

/** What stands between often cuts a connection that is silent for a minute, some for 15 s. */
const keepAliveIntervalMs = 12_000;
const standardDrainTimeoutMs = 30_000;

export type EventStreamsOptions = {
  mask: Mask;
  connections: Connections;
  now: () => number;
  maxBufferedBytes: number;
  drainTimeoutMs?: number;
  keepAliveIntervalMs?: number;
};

export type EventStreams = ReturnType<typeof createEventStreams>;

/** The open event streams of a node. They have the limits of sockets: as many for a user, as long as the token lasts. */
export function createEventStreams(options: EventStreamsOptions) {
  const { mask, connections, now, maxBufferedBytes, drainTimeoutMs = standardDrainTimeoutMs } = options;
  const deadlines = new Deadlines<EventStream>({ now, onDue: (stream) => stream.end() });
  const open = new Sweep<EventStream>({
    intervalMs: options.keepAliveIntervalMs ?? keepAliveIntervalMs,
    slices: 12,
    visit: (stream) => stream.keepAlive(),
  });

  let size = 0;
  let isClosing = false;

  return {
    get size() {
      return size;
    },

    /** @throws HttpRefusal RATE_LIMITED where the user has too many connections, and 503 once the node is leaving */
    open(response: ServerResponse, { userId, dueAtMs }: { userId: string; dueAtMs: number }): EventStream {
      if (isClosing) throw leaving();
      const stream = new EventStream(response, { mask, maxBufferedBytes, drainTimeoutMs, dueAtMs });
      if (!connections.add(userId, stream))
        throw new HttpRefusal(429, "Too many connections of this user.", { code: "RATE_LIMITED" });
      size += 1;
      open.add(stream);
      deadlines.add(stream);
      stream.onClose(() => {
        size -= 1;
        connections.delete(userId, stream);
        open.delete(stream);
        deadlines.delete(stream);
      });
      return stream;
    },

    /** Ends all, one after the other, without `complete`: clients come back, here or elsewhere, and resume. */
    async close(): Promise<void> {
      isClosing = true;
      await spread(open, (stream) => stream.end());
      open[Symbol.dispose]();
      deadlines[Symbol.dispose]();
    },
  };
}

const leaving = () =>
  new HttpRefusal(503, "This node is leaving. Try again.", { code: "RATE_LIMITED", headers: { "Retry-After": "1" } });
