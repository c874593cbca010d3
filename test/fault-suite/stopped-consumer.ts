import { setTimeout as delay } from "node:timers/promises";
import { TestUser } from "../support/user.ts";
import { until } from "../support/until.ts";
import type { Cast } from "./faults.ts";
import { PlainClient } from "./plain-client.ts";
import type { Stage } from "./stage.ts";

const content = "x".repeat(8_000);
/** More than the kernel and nginx keep for a reader: the rest would be the node's to keep. */
const floodBytes = 24 * 1024 * 1024;
const messagesAtOnce = 20;
/** A node closes a socket that takes nothing for 30 s; it looks every few seconds. */
const closedWithinMs = 45_000;

/** A reader of a busy room takes nothing more from the network until its node has closed the connection, then comes back. */
export async function consumerStops(stage: Stage, cast: Cast): Promise<void> {
  const writer = await TestUser.open(stage, "flood-writer");
  await TestUser.open(stage, "flood-reader");
  const roomId = await writer.createRoom("Flood", ["flood-reader"]);
  const node = stage.topology.nodes[1]!;
  // Past nginx, which would keep some more.
  const reader = new PlainClient({ url: node.url, userId: "flood-reader", rooms: [roomId] });
  cast.join(reader);
  await reader.connect();
  await until("the reader is live", () => reader.isLive);
  reader.stopReading();
  for (let sentBytes = 0; sentBytes < floodBytes; sentBytes += messagesAtOnce * content.length)
    await Promise.all(Array.from({ length: messagesAtOnce }, () => writer.send(roomId, content)));
  const closedBefore = performance.now() + closedWithinMs;
  const isClosed = async () => (await socketsClosed(node.url)) > 0 || performance.now() > closedBefore;
  while (!(await isClosed())) await delay(500);
  if (performance.now() > closedBefore) throw new Error("The reader that takes nothing was not closed.");
  reader.goOnReading();
  await until("the reader knows", () => reader.isClosed);
  await reader.connect();
}

/** Sockets that this node closed for taking nothing. */
async function socketsClosed(nodeUrl: string): Promise<number> {
  const text = await (await fetch(`${nodeUrl}/metrics`)).text();
  return Number(/^causerie_too_slow_closed_total (\d+)/m.exec(text)?.[1] ?? 0);
}
