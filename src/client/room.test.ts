import { expect, test } from "vitest";
import { createRoomWorld } from "../../test/support/room-world.ts";

test("a message is told as read once, and again to a server whose log is another one", async () => {
  const world = createRoomWorld({ messages: 3 });
  const room = world.openRoom();
  for (let time = 0; time < 2; time++) {
    room.noteRead("m1");
    expect(room.isBusy).toBe(time === 0);
    await world.clock.advance(1_000);
  }
  expect(world.marked).toEqual([["m1"]]);
  room.reset();
  room.noteRead("m1");
  await world.clock.advance(1_000);
  expect(world.marked).toEqual([["m1"], ["m1"]]);
  await room.dispose();
  expect(world.clock.timers).toBe(0);
});
