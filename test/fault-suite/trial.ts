import { setTimeout as delay } from "node:timers/promises";
import { until } from "../support/until.ts";
import { untilCaughtUp, type Follower } from "./caught-up.ts";
import { check, type Verdict } from "./checker.ts";
import type { Fault } from "./faults.ts";
import { MemoryWatch } from "./memory.ts";
import type { Stage } from "./stage.ts";
import { readFacts } from "./stored-facts.ts";

/** What came of one fault. */
export interface Trial extends Verdict {
  name: string;
  /** From the end of the fault, until each client had sent something more and every client was live and had all of it. */
  caughtUpSeconds: number;
  /** Subscriptions that clients opened anew, each after its newest cursors. */
  resumed: number;
  /** Of the node that had the most. */
  peakBytes: number;
  /** Members who were let in or out meanwhile. */
  memberChanges: number;
}

const beforeMs = 1_500;
const afterMs = 1_500;
const caughtUpWithinMs = 60_000;

/** People chat, the fault strikes, they chat on; when all is quiet, what they wrote down is judged. */
export async function tryFault(stage: Stage, fault: Fault): Promise<Trial> {
  const { chat, topology } = stage;
  const guests: (Follower & Partial<Disposable>)[] = [];
  const everybody = () => [...chat.clients, ...guests];
  for (const client of chat.clients) client.recording.begin();
  using memory = new MemoryWatch(() => topology.nodes.map(({ pid }) => pid));
  const changesBefore = chat.memberChanges;
  chat.start();
  await delay(beforeMs);
  await fault.strike(stage, { join: (guest) => guests.push(guest) });
  const overMs = performance.now();
  await chat.allWrite(caughtUpWithinMs);
  await untilCaughtUp(everybody(), topology.databaseUrl, caughtUpWithinMs);
  const caughtUpSeconds = (performance.now() - overMs) / 1_000;
  await fault.restore?.(stage);
  await delay(afterMs);
  await chat.stop();
  await until("nothing waits to be sent", () => chat.clients.every(({ waiting }) => waiting === 0), caughtUpWithinMs);
  await untilCaughtUp(everybody(), topology.databaseUrl, caughtUpWithinMs);
  const records = everybody().map(({ recording }) => recording.record);
  const verdict = check(records, await readFacts(topology.databaseUrl));
  const resumed = records.reduce((sum, { streams }) => sum + streams.size - 1, 0);
  for (const guest of guests) guest[Symbol.dispose]?.();
  await Promise.all(chat.clients.map((client) => client.clear()));
  const memberChanges = chat.memberChanges - changesBefore;
  return { name: fault.name, ...verdict, caughtUpSeconds, resumed, peakBytes: memory.peakBytes, memberChanges };
}
