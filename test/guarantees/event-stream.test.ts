import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isCaughtUp, wordsOf } from "../support/items.ts";
import { until } from "../support/until.ts";
import { inboxDocument, Received, roomEventsDocument, TestUser, type Answer, type Item } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(app, "bob");
});

afterAll(async () => {
  await bob[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await app.close();
});

/** A subscription over HTTP: server-sent events in the distinct connections mode of the GraphQL over SSE protocol. */
function stream(user: TestUser, query: string, variables: Record<string, unknown>, field: string): Received<Item> {
  return new Received<Item>((sink) => {
    const aborter = new AbortController();
    const onNext = ({ data, errors }: Answer<Record<string, Item>>) =>
      errors ? sink.error(errors) : sink.next(data![field]!);
    void read(user, { query, variables }, { signal: aborter.signal, onNext }).then(sink.complete).catch(sink.error);
    return () => aborter.abort();
  });
}

async function read(
  user: TestUser,
  body: unknown,
  options: { signal: AbortSignal; onNext: (answer: Answer<Record<string, Item>>) => void },
): Promise<void> {
  const response = await fetch(`${user.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${user.token}`,
      accept: "text/event-stream",
    },
    body: JSON.stringify(body),
    signal: options.signal,
  });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  let text = "";
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const lines = event.split("\n");
      const data = lines.find((line) => line.startsWith("data: "))?.slice("data: ".length);
      if (lines.includes("event: complete")) return;
      if (lines.includes("event: next") && data) options.onNext(JSON.parse(data) as Answer<Record<string, Item>>);
    }
  }
  throw new Error("The stream ended without an event that says so.");
}

test("an event stream gives the same as a WebSocket: catch-up, CaughtUp, then live, in a room and in the inbox", async () => {
  const roomId = await alice.createRoom("Stream", ["bob"]);
  const first = await alice.send(roomId, "héllo ☕ 🫖");
  await alice.mutate("editMessage", {
    roomId,
    messageId: first.id,
    content: "line\nbreak\r\n\n\u2028 data: event: next",
  });
  for (let index = 0; index < 120; index++) await alice.send(roomId, `before ${index}`);
  const after = beginningOf(roomId);
  const feeds = [
    bob.roomEvents(roomId, { after }),
    stream(bob, roomEventsDocument, { roomId, after }, "roomEvents"),
    bob.inbox({ after: [after] }),
    stream(bob, inboxDocument, { after: [after] }, "inbox"),
  ];
  for (const feed of feeds) await feed.find(isCaughtUp);
  for (let index = 0; index < 20; index++) await alice.send(roomId, `live ${index}`);
  await alice.mutate("deleteMessage", { roomId, messageId: first.id });
  await alice.mutate("updateRoom", { roomId, name: "Renamed" });
  await alice.send(roomId, "last");
  for (const feed of feeds) await feed.find((item) => item.message?.content === "last");
  const [socket] = feeds;
  for (const feed of feeds) {
    expect(feed.all).toEqual(socket!.all);
    feed.stop();
  }
  expect(wordsOf(socket!.all).slice(0, 4)).toEqual([
    "MemberJoined",
    "MemberJoined",
    "line\nbreak\r\n\n\u2028 data: event: next",
    "before 0",
  ]);
  await until("nobody watches the room any more", () => app.hub.watchedRooms === 0);
});

test("an event stream ends with the viewer's MemberLeft, and says so", async () => {
  const roomId = await alice.createRoom("Leave", ["bob"]);
  const feed = stream(bob, roomEventsDocument, { roomId }, "roomEvents");
  await feed.find(isCaughtUp);
  await alice.mutate("removeMember", { roomId, userId: "bob" });
  await alice.send(roomId, "after");
  await feed.end();
  expect(feed.errors).toBeUndefined();
  expect(wordsOf(feed.all)).toEqual(["CaughtUp", "MemberLeft"]);
  await until("nobody watches the room any more", () => app.hub.watchedRooms === 0);
});

test("a refusal over an event stream is one event with its error", async () => {
  const feed = stream(bob, roomEventsDocument, { roomId: "00000000-0000-4000-8000-000000000000" }, "roomEvents");
  await feed.end();
  expect(feed.errors).toMatchObject([{ extensions: { code: "NOT_FOUND" } }]);
});

test("a client that hangs up, over either door and at whatever moment, leaves no watch behind", async () => {
  const roomId = await alice.createRoom("Hang up", ["bob"]);
  for (let index = 0; index < 30; index++) await alice.send(roomId, `message ${index}`);
  for (let round = 0; round < 15; round++) {
    const feed = stream(bob, roomEventsDocument, { roomId, after: beginningOf(roomId) }, "roomEvents");
    if (round % 3 === 1) await feed.next();
    if (round % 3 === 2) await feed.find(isCaughtUp);
    feed.stop();
    const socket = bob.at(app);
    const connected = new Promise<void>((resolve) => socket.client().on("connected", () => resolve()));
    const events = socket.roomEvents(roomId, { after: beginningOf(roomId) });
    await connected;
    if (round % 3 === 1) await events.next();
    if (round % 3 === 2) await events.find(isCaughtUp);
    if (round % 2 === 0) socket.client().terminate();
    else await socket.client().dispose();
  }
  await until("nobody watches the room any more", () => app.hub.watchedRooms === 0);
  expect(app.hub.groups).toBe(0);
});
