import { afterAll, beforeAll, expect, test } from "vitest";
import { ViewerDocument } from "../../src/client/generated/operations.ts";
import { createMemoryStorage } from "../../src/client/storage.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { openPlainClient } from "./others/plain-graphql-ws.ts";
import { sentOf, TestClient } from "./support.ts";
import { Wire } from "./wire.ts";

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

const missed = 10_000;

test("away for 10,000 messages, a client catches up page by page, holds few of them, and does other things meanwhile", async () => {
  const alice = await TestUser.open(app, "alice");
  await TestUser.open(app, "bob");
  const roomId = await alice.createRoom("Busy", ["bob"]);
  const storage = createMemoryStorage();
  const limits = { maxMessages: 500 };
  await using before = new TestClient(app, "bob", { storage });
  await before.live();
  await before.client.dispose();
  const sender = openPlainClient({ url: app.url, getToken: () => tokenOf("alice"), webSocketImpl: WebSocket });
  const send = (content: string) => sender.send({ roomId, content });
  for (let sent = 0; sent < missed; sent += 250) {
    await Promise.all(Array.from({ length: 250 }, (_, index) => send(`${sent + index}`)));
  }

  const wire = new Wire();
  await using bob = new TestClient(app, "bob", { storage, ...limits, webSocketImpl: wire.WebSocket });
  const room = bob.client.rooms.get(roomId);
  const release = bob.client.rooms.hold(roomId);
  await until("in the middle of it", () => bob.events.length > 2_000);
  // Live traffic goes on, and so do questions of this client.
  const live = Array.from({ length: 50 }, (_, index) => send(`live ${index}`));
  await bob.client.requests.ask(ViewerDocument, {});
  expect(bob.events.length).toBeLessThan(missed);
  await Promise.all(live);
  await bob.live();
  await until("all", () => bob.events.length === missed + 50);
  const cursors = bob.events.map(({ cursor }) => cursor);
  expect(cursors).toEqual(cursors.toSorted((a, b) => (a < b ? -1 : 1)));
  expect(new Set(cursors).size).toBe(missed + 50);
  expect(sentOf(room).length).toBeLessThanOrEqual(limits.maxMessages);
  expect(sentOf(room).at(-1)!.position).toBe(cursors.at(-1));

  // A page was asked for only when the one before was there.
  const pages = wire.begun("sync").map(({ id }) => id);
  expect(pages.length).toBeGreaterThanOrEqual(missed / 100);
  const isPage = new Set(pages);
  let open = 0;
  for (const { direction, id, type } of wire.frames) {
    if (!isPage.has(id)) continue;
    if (direction === "out" && type === "subscribe") open++;
    if (direction === "in" && type === "complete") open--;
    expect(open).toBeLessThanOrEqual(1);
  }
  release();
  sender.close();
  await alice[Symbol.asyncDispose]();
}, 300_000);
