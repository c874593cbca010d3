import { expect, test } from "vitest";
import { settled } from "../../test/support/fake-clock.ts";
import { deleted, edited, joined, left, message, sent, user } from "../../test/support/room-events.ts";
import type { RoomEvent } from "./room-event.ts";
import type { RoomLog } from "./room-log.ts";
import { createRoomWorld } from "../../test/support/room-world.ts";

const idsOf = (log: RoomLog) => log.buffer.messages.get().map((one) => one.position && one.id);
const contentOf = (log: RoomLog, id: string) => find(log, id).content;
const quoteOf = (log: RoomLog, id: string) => find(log, id).replyTo;

function find(log: RoomLog, id: string) {
  const found = log.buffer.messages.get().find((one) => one.position !== undefined && one.id === id);
  if (found?.position === undefined) throw new Error(`${id} is not there.`);
  return found;
}

function sentInReply(revision: number, to: number): RoomEvent {
  const { id, content, deletedAt } = message(to);
  const replyTo = { id, content, deletedAt, sender: user("ann") };
  const event = sent(revision);
  return { ...event, message: { ...message(revision), replyTo } } as RoomEvent;
}

test("an edit or a deletion that comes while an older page is on its way is not lost", async () => {
  const world = createRoomWorld({ messages: 100 });
  const log = world.openLog();
  await settled();
  world.onPageRead = async () => log.take([edited(101, 10, "edited"), deleted(102, 20)]);
  await log.loadOlder();
  expect(idsOf(log)).toHaveLength(100);
  expect([contentOf(log, "m10"), contentOf(log, "m20"), contentOf(log, "m11")]).toEqual(["edited", null, "text"]);
});

test("an older page that live messages cut off from the rest makes no hole, and can be loaded again", async () => {
  const world = createRoomWorld({ messages: 200, maxMessages: 50 });
  const log = world.openLog();
  await settled();
  world.onPageRead = async () => log.take([sent(201), sent(202), sent(203)]);
  await log.loadOlder();
  expect(idsOf(log)).toEqual(Array.from({ length: 50 }, (_, index) => `m${154 + index}`));
  expect(log.hasOlder.get()).toBe(true);
});

test("what the user has read is known from the pages, whoever else has read it", async () => {
  const log = createRoomWorld({ messages: 60, read: [3, 58, 59] }).openLog();
  await settled();
  await log.loadOlder();
  const receipts = log.receipts.receipts.get();
  const messages = log.buffer.messages.get().flatMap((one) => (one.position === undefined ? [] : [one]));
  expect(messages.filter((one) => receipts.isRead(one)).map(({ id }) => id)).toEqual(["m3", "m58", "m59"]);
});

test("who came into the room while its page was on the way is not told that there is no such room", async () => {
  const world = createRoomWorld({ messages: 3 });
  world.isMember = false;
  const log = world.openLog();
  world.onPageRead = async () => {
    if (world.isMember) return;
    world.isMember = true;
    log.take([joined(4, "me")]);
  };
  await world.clock.advance(0);
  expect(log.status.get()).toBe("ready");
});

test("there is no such room for who is not in it, until they come into it", async () => {
  const world = createRoomWorld({ messages: 3 });
  world.isMember = false;
  const log = world.openLog();
  await settled();
  expect(log.status.get()).toBe("missing");
  world.isMember = true;
  log.take([joined(4, "me")]);
  await settled();
  expect(log.status.get()).toBe("ready");
  log.take([left(5, "me")]);
  expect(log.status.get()).toBe("left");
});

test("who was erased while the client was away is in no list any more", async () => {
  const world = createRoomWorld({ messages: 3 });
  world.members = ["me", "bob", "eve"];
  const log = world.openLog();
  await settled();
  const idsOfMembers = () => log.members.members.get().map((member) => member.user.id);
  expect(idsOfMembers()).toEqual(["me", "bob", "eve"]);
  world.members = ["me", "bob"];
  log.take([left(4, "erased:123"), deleted(5, 2)]);
  await settled();
  expect(idsOfMembers()).toEqual(["me", "bob"]);
  expect([log.status.get(), idsOf(log)]).toEqual(["ready", ["m1", "m2", "m3"]]);
});

test("a reply shows what it replies to as it is now, whether or not that is loaded", async () => {
  const world = createRoomWorld({ messages: 100 });
  const log = world.openLog();
  await settled();
  log.take([sentInReply(101, 5), sentInReply(102, 90), deleted(103, 5), edited(104, 90, "edited")]);
  expect(quoteOf(log, "m101")).toEqual({ id: "m5", content: null, deletedAt: "now", sender: user("ann") });
  expect(quoteOf(log, "m102")).toMatchObject({ id: "m90", content: "edited" });
  expect(idsOf(log)).toHaveLength(52);
  log.put({ ...message(90, { version: 105, deletedAt: "now" }), content: null });
  expect(quoteOf(log, "m102")).toMatchObject({ content: null, deletedAt: "now" });
});

test("what a reply quotes is as it is now though it changed while the page with the reply was on its way", async () => {
  for (const isOlder of [false, true]) {
    const world = createRoomWorld({ messages: 100, replies: { 40: 5, 90: 5 } });
    world.onPageRead = async (isOlderPage) => {
      if (isOlderPage === isOlder) log.take([deleted(101, 5)]);
    };
    const log = world.openLog();
    await settled();
    await log.loadOlder();
    expect(quoteOf(log, isOlder ? "m40" : "m90")?.content).toBe(null);
  }
});
