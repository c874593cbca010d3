/** A client that was away, in a process of its own so that its memory can be limited; what it imports counts too. Says when it is in the middle of it, and at its end what it took in, as JSON. */
import { ChatClient } from "../../src/client/chat-client.ts";
import { ViewerDocument } from "../../src/client/generated/operations.ts";
import { createMemoryStorage } from "../../src/client/storage.ts";
import { keepPosition } from "./keep-position.ts";
import { Wire } from "./wire.ts";

export interface Absence {
  url: string;
  userId: string;
  token: string;
  roomId: string;
  /** The position that the device had when it went away. */
  cursor: string;
  /** Null: never by pages. */
  pagesAfterMs: number | null;
  maxMessages: number;
  /** After so many events it says so. */
  middle: number;
  /** The last message that it waits for. */
  lastContent: string;
}

export interface Return {
  events: number;
  isInOrder: boolean;
  /** The most that the room showed at a time. */
  maxShown: number;
  lastShown: string | null | undefined;
  pages: number;
  /** Of sync pages: how many were under way at a time. */
  maxPagesAtOnce: number;
  /** How many events there were when a question, asked in the middle, was answered. */
  answeredAfter: number;
}

const absence = JSON.parse(process.argv[2]!) as Absence;
const { url, userId, token, roomId, cursor, maxMessages, middle, lastContent } = absence;
const storage = createMemoryStorage();
await keepPosition(storage, { url, userId, cursors: [cursor] });
const wire = new Wire();
const client = new ChatClient({
  url,
  userId,
  getToken: async () => token,
  webSocketImpl: wire.WebSocket,
  storage,
  maxMessages,
  pagesAfterMs: absence.pagesAfterMs ?? Infinity,
});
const room = client.rooms.get(roomId);
client.rooms.hold(roomId);
let events = 0;
let isInOrder = true;
let maxShown = 0;
let newest = cursor;
const halfway = Promise.withResolvers<void>();
const arrived = Promise.withResolvers<void>();
client.onEvents((batch) => {
  for (const event of batch) {
    events++;
    isInOrder &&= event.cursor > newest;
    newest = event.cursor;
    if (event.__typename === "MessageSent" && event.message.content === lastContent) arrived.resolve();
  }
  if (events >= middle) halfway.resolve();
});
room.messages.subscribe(() => {
  maxShown = Math.max(maxShown, room.messages.get().length);
});
client.start();

await halfway.promise;
process.stdout.write("in the middle\n");
await client.requests.ask(ViewerDocument, {});
const answeredAfter = events;
await arrived.promise;
const lastShown = room.messages.get().at(-1)?.content;
await client.dispose();
const result: Return = { events, isInOrder, maxShown, lastShown, ...pagesOf(wire), answeredAfter };
process.stdout.write(JSON.stringify(result));

function pagesOf({ frames }: Wire) {
  const ids = new Set(wire.begun("sync").map(({ id }) => id));
  let open = 0;
  let maxPagesAtOnce = 0;
  for (const { direction, id, type } of frames) {
    if (!ids.has(id)) continue;
    if (direction === "out" && type === "subscribe") open++;
    if (direction === "in" && type === "complete") open--;
    maxPagesAtOnce = Math.max(maxPagesAtOnce, open);
  }
  return { pages: ids.size, maxPagesAtOnce };
}
