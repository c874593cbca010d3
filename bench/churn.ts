/**
 * What is left in a server's memory of clients that have come and gone: in each cycle so many connect, subscribe, get
 * messages and leave. Memory that grows with the cycles is a leak.
 *
 *   node bench/churn.ts [--cycles 20] [--subscribers 1000] [--rooms 50]
 */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { startRedis } from "../test/support/redis-server.ts";
import { Audience } from "./support/audience.ts";
import { causerie } from "./support/causerie.ts";
import type { RunningContestant } from "./support/contestant.ts";
import { describeMachine, pinLoad } from "./support/machine.ts";
import { closedLoop } from "./support/trial.ts";
import { within } from "./support/within.ts";

const { values } = parseArgs({
  options: {
    cycles: { type: "string", default: "20" },
    subscribers: { type: "string", default: "1000" },
    rooms: { type: "string", default: "50" },
  },
});
const cycles = Number(values.cycles);
const stage = { subscribers: Number(values.subscribers), rooms: Number(values.rooms), selections: 1 };
const leaveWithinMs = 30_000;

pinLoad();
console.log(describeMachine());
await using redis = await startRedis();
await using running = await causerie.start({ redisUrl: redis.url, ...stage });
const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
for (let cycle = 1; cycle <= cycles; cycle += 1) {
  {
    using audience = await Audience.open({ contestant: running, ...stage });
    await closedLoop({ audience, server: running.server, seconds: 1 }, 8);
  }
  await within("everybody has left", leaveWithinMs, everybodyLeft(running));
  const { heapBytes, residentBytes } = await running.server.usageAfterCollection();
  console.log(
    `${cycle * stage.subscribers} came and went: heap ${mebibytes(heapBytes)} MiB, resident ${mebibytes(residentBytes)} MiB`,
  );
}

async function everybodyLeft({ port }: RunningContestant): Promise<void> {
  for (;;) {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    if (/^causerie_connections\{kind="websocket"\} 0$/m.test(metrics)) return;
    await sleep(100);
  }
}
