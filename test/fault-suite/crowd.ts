import { setTimeout as delay } from "node:timers/promises";
import { TestUser } from "../support/user.ts";
import { until } from "../support/until.ts";
import type { Cast } from "./faults.ts";
import { PlainClient } from "./plain-client.ts";
import type { Stage } from "./stage.ts";

const size = 500;
const signInsAtOnce = 50;
const openWithinMs = 60_000;

/** All of a room's 500 members lose their connections at the same moment, miss something, and come back within a second. */
export async function crowdReconnects(stage: Stage, cast: Cast): Promise<void> {
  const ids = Array.from({ length: size }, (_, index) => `crowd-${index}`);
  for (let start = 0; start < size; start += signInsAtOnce)
    await Promise.all(ids.slice(start, start + signInsAtOnce).map((id) => TestUser.open(stage, id)));
  const speaker = await TestUser.open(stage, "crowd-speaker");
  const roomId = await speaker.createRoom("Crowd", ids);
  const crowd = ids.map((userId) => new PlainClient({ url: stage.url, userId, rooms: [roomId] }));
  for (const client of crowd) cast.join(client);
  await Promise.all(crowd.map((client) => client.connect()));
  await until("the crowd is there", () => crowd.every(({ isLive }) => isLive), openWithinMs);
  await speaker.send(roomId, "All hear this.");
  stage.clientNetwork.cut();
  await until("the crowd is gone", () => crowd.every(({ isClosed }) => isClosed));
  for (let index = 0; index < 20; index += 1) await speaker.send(roomId, `Nobody hears ${index}.`);
  await Promise.all(crowd.map((client) => client.connect()));
  await delay(1_000);
}
