import { expect, test } from "vitest";
import { at, deleted, joined, left, message, read, sent, summary } from "../../test/support/room-events.ts";
import { RoomList } from "./room-list.ts";

function openList(maxRooms = 10) {
  const uncertain: string[] = [];
  const certain: string[] = [];
  const list = new RoomList({
    userId: "me",
    maxRooms,
    onUncertain: (roomId) => uncertain.push(roomId),
    onCertain: (roomId) => certain.push(roomId),
  });
  return { list, uncertain, certain, unread: () => list.get("r")?.unreadCount };
}

test("others' messages are unread, own ones and deleted ones are not, and none counts twice", () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(3, 0));
  for (const event of [sent(4), sent(4), sent(5, { sender: "me" }), sent(6, { deletedAt: "now" }), sent(7), sent(3)]) {
    list.take(event);
  }
  expect(unread()).toBe(2);
  expect(list.get("r")).toMatchObject({ cursor: at(7), lastMessage: { id: "m7" } });
  expect(uncertain).toEqual([]);
});

test("a message that came between the reading of the cursor and that of the count makes the count uncertain", () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(3, 2));
  list.take(sent(4));
  expect(uncertain).toEqual(["r"]);
  expect(unread()).toBe(3);
});

test("an older answer sets no room back, whatever else is being loaded", async () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(5, 0));
  list.take(sent(6));
  await list.whileLoading(async () => {
    list.put(summary(5, 0));
    list.take({ ...sent(7), previousCursor: at(6) });
    // Of what is missing between 5 and 7 nothing was kept.
    list.put(summary(5, 0));
  });
  expect(unread()).toBe(2);
  expect(list.get("r")!.cursor).toBe(at(7));
  expect(uncertain).toEqual(["r", "r"]);
});

test("an older answer is good where all that happened since then was kept", async () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(5, 0));
  await list.whileLoading(async () => {
    list.take({ ...sent(6), previousCursor: at(5) });
    list.take({ ...sent(7), previousCursor: at(6) });
    list.put(summary(5, 0));
  });
  expect(unread()).toBe(2);
  expect(uncertain).toEqual([]);
});

test("after a cursor that was read later than the count there is no doubt", () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(3, 2))(at(4));
  list.take(sent(5));
  expect(uncertain).toEqual([]);
  expect(unread()).toBe(3);
  list.put(summary(5, 3))(at(7));
  list.take(sent(6));
  expect(uncertain).toEqual(["r"]);
});

test("a cursor that was read later than one count ends no doubt of a newer one", () => {
  const { list, uncertain } = openList();
  const seal = list.put(summary(3, 2));
  list.putCounts({ id: "r", cursor: at(4), unreadCount: 3 });
  seal(at(4));
  list.take(sent(5));
  expect(uncertain).toEqual(["r"]);
});

test("a room that is older than what was taken in since changes nothing, and is asked for", () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(3, 0));
  list.take(sent(4));
  list.put(summary(3, 0));
  expect(unread()).toBe(1);
  expect(uncertain).toEqual(["r"]);
});

test("where nothing is unread there is no doubt: a message in the count would be unread", () => {
  const { list, uncertain, unread } = openList();
  list.put(summary(3, 0));
  list.take(sent(4));
  expect(uncertain).toEqual([]);
  expect(unread()).toBe(1);
});

test("what the user read elsewhere, and what was deleted, only the server can count", () => {
  const { list, uncertain } = openList();
  list.put(summary(3, 0));
  list.take(read(4, "me"));
  list.take(deleted(5, 2));
  expect(uncertain).toEqual([]);
  list.take(sent(6));
  list.take(read(7, "ann"));
  expect(uncertain).toEqual([]);
  list.take(read(8, "me"));
  list.take(deleted(9, 6));
  expect(uncertain).toEqual(["r", "r"]);
});

test("a count that is newer than all that made it uncertain settles it, an older one does not", () => {
  const { list, certain, unread } = openList();
  list.put(summary(3, 1));
  certain.length = 0;
  list.take(read(4, "me"));
  list.putCounts({ id: "r", cursor: at(3), unreadCount: 7 });
  expect({ certain, unread: unread() }).toEqual({ certain: [], unread: 1 });
  list.putCounts({ id: "r", cursor: at(4), unreadCount: 0 });
  expect({ certain, unread: unread() }).toEqual({ certain: ["r"], unread: 0 });
});

test("a count that is ahead of the events does not hide what else they tell", () => {
  const { list, unread } = openList();
  list.put(summary(3, 0));
  list.putCounts({ id: "r", cursor: at(5), unreadCount: 2 });
  list.take(sent(4));
  list.take(sent(5));
  expect(unread()).toBe(2);
  expect(list.get("r")).toMatchObject({ lastMessage: { id: "m5" } });
});

test("events that come while a room is on its way are put on top of it", async () => {
  const { list, unread } = openList();
  await list.whileLoading(async () => {
    list.take(sent(3));
    list.take(sent(4));
    list.put(summary(3, 1));
    list.take(sent(5));
  });
  expect(unread()).toBe(3);
  expect(list.get("r")).toMatchObject({ cursor: at(5), lastMessage: { id: "m5" } });
});

test("a room that the user left while it was on its way does not come back", async () => {
  const { list, uncertain } = openList();
  await list.whileLoading(async () => {
    list.take(left(4, "me"));
    list.put(summary(3, 1));
  });
  expect(list.ids()).toEqual([]);
  expect(uncertain).toEqual([]);
});

test("a room that the user left and came back to while it was on its way is asked for", async () => {
  const { list, uncertain } = openList();
  await list.whileLoading(async () => {
    list.take(left(4, "me"));
    list.take(joined(5, "me"));
    list.put(summary(3, 1));
  });
  expect(list.ids()).toEqual([]);
  expect(uncertain).toEqual(["r"]);
});

test("a room that is not known is asked for, after what is being loaded is there", async () => {
  const { list, uncertain } = openList();
  await list.whileLoading(async () => {
    list.take(sent(4));
    expect(uncertain).toEqual([]);
  });
  expect(uncertain).toEqual(["r"]);
});

test("beyond the limit the room without activity for the longest goes", () => {
  const { list } = openList(2);
  list.put(summary(1, 0, "a"));
  list.put({ ...summary(1, 0, "b"), lastMessage: message(9) });
  list.put({ ...summary(1, 0, "c"), lastMessage: message(8) });
  expect(list.ids()).toEqual(["b", "c"]);
});
