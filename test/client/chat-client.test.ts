import { afterAll, beforeAll, expect, test } from "vitest";
import { ChatClient, type ChatClientOptions } from "../../src/client/chat-client.ts";
import { messageOf, type RoomEvent } from "../../src/client/room-event.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

let app: TestApp;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice", { name: "Alice" });
  await TestUser.open(app, "bob", { name: "Bob" });
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

function openClient(userId: string, more: Partial<ChatClientOptions> = {}) {
  const client = new ChatClient({
    url: `${app.url.replace("http", "ws")}/graphql`,
    userId,
    getToken: () => tokenOf(userId),
    ...more,
  });
  const events: RoomEvent[] = [];
  client.onEvents((more) => events.push(...more));
  client.start();
  return { client, events, [Symbol.asyncDispose]: () => client.dispose() };
}

test("a client sends, and receives what others send", async () => {
  const roomId = await alice.createRoom("Tea", ["bob"]);
  await using bob = openClient("bob");
  await until("live", () => bob.client.state.get().status === "live");
  await bob.client.queue.add({ roomId, content: "hello" });
  await until("sent", () => bob.client.queue.items.get()[0]?.status === "sent");
  await alice.send(roomId, "hi");
  await until("both", () => bob.events.length >= 2);
  expect(bob.events.map((event) => messageOf(event)?.content)).toEqual(["hello", "hi"]);
});
