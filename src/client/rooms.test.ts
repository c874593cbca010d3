import { expect, test } from "vitest";
import { settled } from "../../test/support/fake-clock.ts";
import { sent } from "../../test/support/room-events.ts";
import { createRoomWorld } from "../../test/support/room-world.ts";
import { createRooms } from "./rooms.ts";

function openRooms(options: { messages: number } = { messages: 3 }) {
  const world = createRoomWorld(options);
  const rooms = createRooms({ open: world.openRoom, clock: world.clock, keepMs: 30_000, maxIdle: 2 });
  return { world, rooms };
}

test("a room that nobody holds closes after a while, and is loaded anew for who comes later", async () => {
  const { world, rooms } = openRooms();
  const release = rooms.hold("r");
  const room = rooms.get("r");
  await world.clock.advance(60_000);
  expect(rooms.get("r")).toBe(room);
  release();
  await world.clock.advance(29_000);
  expect(rooms.get("r")).toBe(room);
  await world.clock.advance(30_000);
  expect(rooms.get("r")).not.toBe(room);
});

test("each room takes its own events, in their order", async () => {
  const { rooms } = openRooms();
  const room = rooms.get("r");
  await settled();
  const other = { ...sent(9), room: { ...sent(9).room, id: "other" } };
  rooms.take([sent(4), other, sent(5)]);
  expect(room.messages.get().map((one) => one.position && one.id)).toEqual(["m1", "m2", "m3", "m4", "m5"]);
});

test("what was read without a connection is told though the user has gone to other rooms meanwhile", async () => {
  const { world, rooms } = openRooms();
  const release = rooms.hold("r");
  await settled();
  world.isOnline = false;
  rooms.get("r").noteRead("m1");
  await world.clock.advance(1_000);
  release();
  for (const other of ["a", "b", "c", "d"]) rooms.hold(other)();
  await world.clock.advance(120_000);
  world.isOnline = true;
  await world.clock.advance(120_000);
  expect(world.marked).toEqual([["m1"]]);
  // Then nothing keeps it open.
  expect(world.clock.timers).toBe(0);
});

test("after the end a room is closed from the beginning, and no timer is set for it", async () => {
  const { world, rooms } = openRooms();
  await rooms.dispose();
  rooms.get("r");
  rooms.hold("r")();
  await settled();
  expect(world.clock.timers).toBe(0);
});
