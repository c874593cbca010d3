import { notFound } from "../errors.ts";
import { formatCursor } from "../log/cursor.ts";
import type { PersonalDataStore, RoomOfUser } from "./personal-data.store.ts";
import { noRoomId, windowsOf } from "./windows.ts";

const rowsAtOnce = 500;
const times = new Set([
  "created_at",
  "do_not_disturb_until",
  "last_seen_at",
  "joined_at",
  "left_at",
  "sent_at",
  "edited_at",
]);
times.add("deleted_at").add("read_at");

/** One line of it. */
export type DataItem = { type: "user" | "membership" | "message" | "receipt"; [field: string]: unknown };

/**
 * A copy of everything that is kept of a user: the profile with presence, then each room with the user's messages and
 * receipts. Holds a page of it at a time.
 * @throws Refusal NOT_FOUND where nothing is known of the user
 */
export async function* copyOf(store: PersonalDataStore, userId: string): AsyncGenerator<DataItem, void, void> {
  const user = await store.readUser(userId);
  if (!user) throw notFound("user", ["userId"]);
  yield item("user", user);
  let last = noRoomId;
  for (;;) {
    const rooms = await store.readRooms(userId, last, rowsAtOnce);
    for (const room of rooms) yield* copyOfRoom(store, userId, room);
    if (rooms.length < rowsAtOnce) return;
    last = rooms.at(-1)!.room_id;
  }
}

async function* copyOfRoom(store: PersonalDataStore, userId: string, { revision, ...room }: RoomOfUser) {
  const roomId = room.room_id;
  yield item("membership", room);
  for (const { after, through } of windowsOf(revision)) {
    const read = (from: number) => store.readMessages({ roomId, userId, after: from, through }, rowsAtOnce);
    for await (const { position, ...message } of pages(read, after, (row) => row.position))
      yield item("message", { room_id: roomId, position: formatCursor(roomId, position), ...message });
  }
  const read = (after: number) => store.readRanges({ roomId, userId, after }, rowsAtOnce);
  for await (const { from_position: from, ...range } of pages(read, 0, (row) => row.from_position))
    yield item("receipt", { room_id: roomId, from_position: from, ...range });
}

async function* pages<Row>(read: (after: number) => Promise<Row[]>, from: number, placeOf: (row: Row) => number) {
  for (let after = from; ;) {
    const rows = await read(after);
    yield* rows;
    if (rows.length < rowsAtOnce) return;
    after = placeOf(rows.at(-1)!);
  }
}

/** As the API writes it: `roomId`, and times as text. */
function item(type: DataItem["type"], row: object): DataItem {
  const fields = Object.entries(row).map(([name, value]) => [
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    times.has(name) && typeof value === "number" ? new Date(value).toISOString() : value,
  ]);
  return { type, ...(Object.fromEntries(fields) as object) };
}
