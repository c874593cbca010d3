import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { presenceOf, TestDevice } from "../support/presence.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let others: TestUser[];
let roomIds: string[];

beforeAll(async () => {
  app = await startTestApp({ presence: { timings: { graceMs: 50 } } });
  alice = await TestUser.open(app, "alice");
  others = [];
  for (let index = 0; index < 5; index += 1) others.push(await TestUser.open(app, `user-${index}`));
  const ids = others.map(({ id }) => id);
  roomIds = [await alice.createRoom("One", ids), await alice.createRoom("Two", ids)];
});

afterAll(() => app?.close());

/** What this server watches, by its own metrics. */
async function held(): Promise<Record<string, number>> {
  const text = await (await fetch(`${app.url}/metrics`)).text();
  const valueOf = (series: string) =>
    Number(
      text
        .split("\n")
        .find((line) => line.startsWith(`causerie_${series} `))
        ?.split(" ")
        .at(-1),
    );
  return {
    sockets: valueOf('connections{kind="websocket"}'),
    watched_rooms: valueOf("watched_rooms"),
    presence_watched: valueOf("presence_watched"),
    presence_sessions: valueOf("presence_sessions"),
  };
}

const nothing = { sockets: 0, watched_rooms: 0, presence_watched: 0, presence_sessions: 0 };

function leavesNothing(): Promise<void> {
  let last: Record<string, number> = {};
  return until("nothing is watched any more", async () => {
    last = await held();
    return JSON.stringify(last) === JSON.stringify(nothing);
  }).catch((cause: unknown) => {
    throw new Error(`Left: ${JSON.stringify(last)}`, { cause });
  });
}

function followAll(device: TestDevice) {
  return [
    ...roomIds.flatMap((roomId) => [device.presence({ roomId }), device.typing(roomId)]),
    device.presence({ userIds: others.map(({ id }) => id) }),
    device.presence({ userIds: ["nobody", "alice"] }),
  ];
}

test("connections that are cut leave nothing behind, at whatever moment", async () => {
  for (let round = 0; round < 20; round += 1) {
    const devices = await Promise.all([alice, ...others].map((user) => TestDevice.open(user)));
    const followed = devices.map(followAll);
    await devices[1]!.setPresence({ currentRoomId: roomIds[round % 2] });
    await devices[2]!.setTyping(roomIds[0]!, true);
    // From the moment of the asking to the time when all of it is there.
    for (let turn = 0; turn < round; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (round % 4 === 0) for (const each of followed.flat()) await each.next();
    for (const device of devices) device.cut();
  }
  await leavesNothing();
});

test("subscriptions that are completed leave nothing behind, nor those that were refused", async () => {
  const device = await TestDevice.open(alice);
  for (let round = 0; round < 10; round += 1) {
    const followed = followAll(device);
    if (round % 2 === 0) for (const each of followed) await each.next();
    for (const each of followed) each.received.stop();
    await device.presence({ roomId: "00000000-0000-0000-0000-000000000000" }).received.end();
    await device.setPresence({ currentRoomId: "00000000-0000-0000-0000-000000000000" });
  }
  await until("nobody is watched any more", async () => {
    const { watched_rooms: rooms, presence_watched: users } = await held();
    return rooms === 0 && users === 0;
  });
  await device.close();
  await leavesNothing();
});

test("members who are removed while they follow leave nothing behind, and nobody sees more than they may", async () => {
  const devices = await Promise.all([alice, ...others].map((user) => TestDevice.open(user)));
  const followed = devices.map(followAll);
  for (const each of followed.flat()) await each.next();
  await devices[1]!.setPresence({ currentRoomId: roomIds[0] });
  // All at once, both rooms.
  await Promise.all(
    others.flatMap(({ id }) => roomIds.map((roomId) => alice.mutate("removeMember", { roomId, userId: id }))),
  );
  for (const each of followed.slice(1).flatMap((subscriptions) => subscriptions.slice(0, 4))) await each.received.end();
  expect(
    await presenceOf(
      alice,
      others.map(({ id }) => id),
    ),
  ).toEqual([]);
  for (const device of devices) await device.close();
  await leavesNothing();
});
