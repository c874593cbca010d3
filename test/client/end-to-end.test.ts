import { expect, test } from "vitest";
import { seedOf } from "../support/app.ts";
import { readTruth, type TrueMessage, type Truth } from "./world-truth.ts";
import type { Device } from "./world-device.ts";
import { openWorld, type World } from "./world.ts";
import { sentOf } from "./support.ts";

const actionCount = Number(process.env.TEST_ACTIONS ?? 2_000);

test(
  "after 2,000 random actions of 5 clients on 2 nodes, all clients and the database hold the same",
  { timeout: 600_000 },
  async () => {
    await using world = await openWorld(seedOf("end to end"));
    const times = [performance.now()];
    for (let index = 0; index < actionCount; index++) await world.step();
    times.push(performance.now());
    await world.rest();
    await converged(world);
    times.push(performance.now());
    await checkWritten(world);
    expect(world.devices.flatMap(({ disorders }) => disorders)).toEqual([]);
    const [begun, acted, agreed] = times.map((time) => Math.round(time / 1_000));
    console.log(Object.fromEntries(world.counts), { written: world.written.length });
    console.log(`${acted! - begun!} s of actions, ${agreed! - acted!} s until all agreed`);
  },
);

/** What a client shows of a room, in the words of the truth. */
function shownOf(device: Device, roomId: string) {
  const room = device.client.rooms.get(roomId);
  const receipts = room.receipts.get();
  return sentOf(room).map(({ id, clientMessageId, position, version, content, sender }) => ({
    roomId,
    id,
    clientMessageId,
    senderId: sender.id,
    position,
    version,
    content,
    readers: receipts
      .readersOf({ id, position, sender })
      .map(({ user }) => user.id)
      .sort(),
  }));
}

/** How a device differs from the truth; undefined where it does not. */
function differenceOf(device: Device, truth: Truth): unknown {
  const rooms = [...truth.rooms.values()].filter(({ members }) => members.includes(device.userId));
  const inbox = device.client.inbox.get();
  const listed = inbox.rooms.map(({ id, unreadCount, lastMessage }) => ({
    id,
    unreadCount,
    last: lastMessage?.version,
  }));
  const due = rooms.map(({ id, unread, messages }) => ({
    id,
    unreadCount: unread.get(device.userId),
    last: messages.at(-1)?.version,
  }));
  if (!same(byId(listed), byId(due))) return { listed: byId(listed), due: byId(due) };
  for (const { id, messages, members } of rooms) {
    const room = device.client.rooms.get(id);
    if (room.status.get() !== "ready") return { id, status: room.status.get() };
    if (room.hasOlder.get()) {
      // It needs the clients' time, which goes on while nobody waits here; should it fail, the next look asks again.
      room.loadOlder().catch(() => undefined);
      return { id, isPagingBack: true };
    }
    const inRoom = room.members
      .get()
      .map(({ user }) => user.id)
      .sort();
    if (!same(inRoom, members)) return { id, inRoom, members };
    const shown = shownOf(device, id);
    if (!same(shown, messages)) return { id, ...firstDifference(shown, messages) };
  }
  // Those whose answer was lost, and which were refused later.
  const stored = new Set(truth.messages.map(key));
  const arrived = device.pending().filter((item) => stored.has(key(item)));
  if (arrived.length > 0) return { arrived };
  return undefined;
}

/** Whether something is still to come, as far as the device itself knows. */
function isBusy(device: Device): boolean {
  return device.client.state.get().status !== "live" || device.pending().some(({ status }) => status !== "failed");
}

async function converged(world: World) {
  const deadlineMs = performance.now() + 180_000;
  for (;;) {
    while (world.devices.some(isBusy) && performance.now() < deadlineMs) await world.tick();
    const truth = await readTruth(world.databaseUrl);
    const differences = world.devices.map((device) => differenceOf(device, truth));
    if (differences.every((difference) => difference === undefined)) return;
    const states = world.devices.map(({ client }) => client.state.get());
    if (performance.now() > deadlineMs)
      throw new Error(`They still differ: ${JSON.stringify({ states, differences }, null, 1)}`);
    await world.tick();
  }
}

/** Everything written is in the database once and in the order of its writing, or is shown as failed, with the reason; nothing else is there. */
async function checkWritten({ devices, written, databaseUrl }: World) {
  const { messages } = await readTruth(databaseUrl);
  const stored = new Map(messages.map((message) => [key(message), message]));
  expect(stored.size).toBe(messages.length);
  const failed = new Map(devices.flatMap((device) => device.pending()).map((item) => [key(item), item.failure?.code]));
  for (const code of failed.values()) expect(code).toBe("NOT_FOUND");
  const lost = written.filter((one) => !stored.has(key(one)) && !failed.has(key(one)));
  const twice = written.filter((one) => stored.has(key(one)) && failed.has(key(one)));
  expect({ lost, twice }).toEqual({ lost: [], twice: [] });
  const known = new Set(written.map(key));
  expect(messages.filter((message) => !known.has(key(message)))).toEqual([]);
  const inOrder = new Map<string, TrueMessage>();
  for (const one of written) {
    const message = stored.get(key(one));
    if (!message) continue;
    const lane = `${one.userId} ${one.roomId}`;
    const before = inOrder.get(lane);
    if (before) expect(message.position > before.position, `${one.content} after ${before.content}`).toBe(true);
    inOrder.set(lane, message);
  }
}

const key = (one: { roomId: string; clientMessageId: string }) => `${one.roomId} ${one.clientMessageId}`;
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const byId = <T extends { id: string }>(values: T[]) => values.sort((a, b) => (a.id < b.id ? -1 : 1));

function firstDifference(shown: TrueMessage[], due: TrueMessage[]) {
  const index = shown.findIndex((message, at) => !same(message, due[at]));
  const at = index === -1 ? shown.length : index;
  return { shown: shown[at], due: due[at], lengths: [shown.length, due.length] };
}
