import { page, TestIntersectionObserver } from "./dom.ts";
import { createElement, StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createFakeClock } from "../support/fake-clock.ts";
import type { ChatClient } from "../../src/client/chat-client.ts";
import type { Message } from "../../src/client/room-event.ts";
import {
  CauserieProvider,
  useAutoRead,
  useChatClient,
  useConnectionState,
  useIdle,
  useInbox,
  usePresence,
  useRoom,
  useTyping,
} from "../../src/react/index.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { TestClient, webSocketUrl } from "./support.ts";
import { Wire } from "./wire.ts";

let app: TestApp;
let alice: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  for (const id of ["bob", "carol"]) await TestUser.open(app, id);
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await app.close();
});

/** A page in strict mode: every component is mounted, unmounted and mounted again. */
async function render(node: () => ReactNode) {
  const container = page.document.createElement("div") as unknown as HTMLElement;
  const root = createRoot(container);
  const show = async () => {
    root.render(createElement(StrictMode, null, node()));
    await rendered();
  };
  await show();
  return {
    show,
    text: () => container.textContent,
    texts: (selector: string) => [...container.querySelectorAll(selector)].map((element) => element.textContent),
    async [Symbol.asyncDispose]() {
      root.unmount();
      await rendered();
    },
  };
}

/** Until React has done what is due. */
const rendered = () => new Promise<void>((resolve) => setTimeout(resolve, 0));

type Actions = ReturnType<typeof useRoom>;

function Chat({ roomId, onActions }: { roomId: string; onActions?: (actions: Actions) => void }) {
  const room = useRoom(roomId);
  const seen = useAutoRead(roomId);
  onActions?.(room);
  return createElement(
    "ul",
    { title: room.status },
    room.messages.map((message) =>
      createElement("li", { key: room.keyOf(message), ref: seen(message) }, message.content),
    ),
  );
}

const below = (client: ChatClient, node: ReactNode) => createElement(CauserieProvider, { client, children: node });

test("useRoom shows what the room holds, sends, edits, deletes and pages back", async () => {
  const roomId = await alice.createRoom("React", ["bob"]);
  for (let index = 0; index < 60; index++) await alice.send(roomId, `${index}`);
  await using bob = new TestClient(app, "bob");
  let room!: Actions;
  await using view = await render(() =>
    below(bob.client, createElement(Chat, { roomId, onActions: (it) => (room = it) })),
  );
  await until("the newest page", () => view.texts("li").length === 50);
  expect(room.hasOlder).toBe(true);
  await room.loadOlder();
  await rendered();
  expect(view.texts("li")).toHaveLength(60);
  expect({ hasOlder: room.hasOlder, isLoadingOlder: room.isLoadingOlder }).toEqual({
    hasOlder: false,
    isLoadingOlder: false,
  });
  await room.send({ content: "from React" });
  await rendered();
  expect(view.texts("li").at(-1)).toBe("from React");
  const key = room.keyOf(room.messages.at(-1)!);
  await until("sent", () => room.messages.at(-1)?.position !== undefined);
  expect(room.keyOf(room.messages.at(-1)!)).toBe(key);
  const own = room.messages.at(-1)! as Message;
  await room.edit(own.id, "edited");
  await rendered();
  expect(view.texts("li").at(-1)).toBe("edited");
  await room.remove(own.id);
  await rendered();
  expect(view.texts("li").at(-1)).toBe("");
  // Another sender may use the same id.
  await alice.send(roomId, "hello React", { clientMessageId: own.clientMessageId });
  await until("received", () => view.texts("li").at(-1) === "hello React");
  expect(new Set(room.messages.map(room.keyOf)).size).toBe(room.messages.length);
});

test("isLoadingOlder is of the room that is shown", async () => {
  const [one, other] = [await alice.createRoom("One", ["bob"]), await alice.createRoom("Other", ["bob"])];
  await using bob = new TestClient(app, "bob");
  const pages = new Map([one, other].map((id) => [id, Promise.withResolvers<void>()]));
  for (const [id, { promise }] of pages) Object.assign(bob.client.rooms.get(id), { loadOlder: () => promise });
  let roomId = one;
  let room!: Actions;
  await using view = await render(() =>
    below(bob.client, createElement(Chat, { roomId, onActions: (it) => (room = it) })),
  );
  const first = room.loadOlder();
  await until("the one loads", () => room.isLoadingOlder);
  roomId = other;
  await view.show();
  expect(room.isLoadingOlder).toBe(false);
  const second = room.loadOlder();
  await until("the other loads", () => room.isLoadingOlder);
  pages.get(one)!.resolve();
  await first;
  await view.show();
  expect(room.isLoadingOlder).toBe(true);
  pages.get(other)!.resolve();
  await second;
  await until("it has loaded", () => !room.isLoadingOlder);
});

test("useChatClient gives no client of the user before", async () => {
  const seen = new Set<string>();
  function Someone({ userId }: { userId: string }) {
    const client = useChatClient({ url: webSocketUrl(app), userId, getToken: () => tokenOf(userId) });
    if (client) seen.add(`${client.userId} for ${userId}`);
    return null;
  }
  let userId = "bob";
  await using view = await render(() => createElement(Someone, { userId }));
  await until("the one's client", () => seen.has("bob for bob"));
  userId = "carol";
  await view.show();
  await until("the other's client", () => seen.has("carol for carol"));
  expect(seen.size).toBe(2);
});

test("a message that was refused shows as failed, and can be discarded", async () => {
  const roomId = await alice.createRoom("Refused", ["bob"]);
  await using bob = new TestClient(app, "bob");
  let room!: Actions;
  await using view = await render(() =>
    below(bob.client, createElement(Chat, { roomId, onActions: (it) => (room = it) })),
  );
  await until("ready", () => room.status === "ready");
  expect(view.texts("li")).toEqual([]);
  await room.send({ content: "x".repeat(8_001) });
  await rendered();
  await until(
    "failed",
    () => room.messages.length === 1 && "status" in room.messages[0]! && room.messages[0].status === "failed",
  );
  await room.discard(room.messages[0]!.clientMessageId);
  await rendered();
  expect(room.messages).toEqual([]);
});

test("useAutoRead marks what is seen while the page is visible, but neither own messages nor read ones", async () => {
  const roomId = await alice.createRoom("Seen", ["bob"]);
  await using bob = new TestClient(app, "bob");
  const room = bob.client.rooms.get(roomId);
  await room.send({ content: "own" });
  await until("sent", () => room.messages.get()[0]?.position !== undefined);
  const [first, second, third] = [
    await alice.send(roomId, "first"),
    await alice.send(roomId, "second"),
    await alice.send(roomId, "third"),
  ];
  const isRead = (message: { position: string }) =>
    room.receipts.get().isRead({ ...message, sender: { id: "alice", name: "", avatarUrl: null } });
  room.noteRead(first.id);
  await until("read", () => isRead(first));
  await using view = await render(() => below(bob.client, createElement(Chat, { roomId })));
  await until("shown", () => view.texts("li").length === 4);
  await until("observed", () => TestIntersectionObserver.observedTexts.length > 0);
  expect(new Set(TestIntersectionObserver.observedTexts)).toEqual(new Set(["second", "third"]));
  // Rendering again observes nothing anew.
  const [observer] = TestIntersectionObserver.open;
  const before = new Set(observer!.observed);
  await view.show();
  expect([...TestIntersectionObserver.open]).toEqual([observer]);
  expect(observer!.observed).toEqual(before);
  Object.defineProperty(page.document, "visibilityState", { value: "hidden", configurable: true });
  TestIntersectionObserver.show("second");
  TestIntersectionObserver.show("third");
  TestIntersectionObserver.show("third", false);
  expect(new Set(TestIntersectionObserver.observedTexts)).toEqual(new Set(["second", "third"]));
  Object.defineProperty(page.document, "visibilityState", { value: "visible", configurable: true });
  page.document.dispatchEvent(new page.Event("visibilitychange"));
  await until("read", () => isRead(second));
  expect(isRead(third)).toBe(false);
  expect(TestIntersectionObserver.observedTexts).toEqual(["third"]);
});

test("useInbox and useConnectionState follow the client", async () => {
  const roomId = await alice.createRoom("Listed", ["carol"]);
  await using carol = new TestClient(app, "carol");
  function List() {
    const { status } = useConnectionState();
    const { rooms } = useInbox();
    return createElement(
      "p",
      null,
      `${status}: ${rooms.map(({ name, unreadCount }) => `${name} ${unreadCount}`).join()}`,
    );
  }
  await using view = await render(() => below(carol.client, createElement(List)));
  await until("live", () => view.text() === "live: Listed 0");
  await alice.send(roomId, "one");
  await until("counted", () => view.text() === "live: Listed 1");
});

test("what is unmounted leaves nothing: no subscription, no observer, no socket", async () => {
  const roomId = await alice.createRoom("Gone", ["bob"]);
  const wire = new Wire();
  const clients = new Set<ChatClient>();
  function App({ isShown }: { isShown: boolean }) {
    const client = useChatClient({
      url: webSocketUrl(app),
      userId: "bob",
      getToken: () => tokenOf("bob"),
      webSocketImpl: wire.WebSocket,
    });
    if (client) clients.add(client);
    return client && isShown ? below(client, createElement(Chat, { roomId })) : null;
  }
  let isShown = true;
  await using view = await render(() => createElement(App, { isShown }));
  await alice.send(roomId, "here");
  await until("shown", () => view.texts("li").join() === "here");
  await until("observed", () => TestIntersectionObserver.open.size === 1);
  isShown = false;
  await view.show();
  await until("no longer observed", () => TestIntersectionObserver.open.size === 0);
  await view[Symbol.asyncDispose]();
  await until("closed", () => wire.openSockets === 0);
  // Strict mode made two clients, one after the other; both are disposed of.
  for (const client of clients) expect(client.state.get().status).toBe("offline");
});

test("useTyping, usePresence and useIdle tell what others do, and others what the user does", async () => {
  const roomId = await alice.createRoom("Signals", ["bob"]);
  await using bob = new TestClient(app, "bob");
  await using other = new TestClient(app, "alice");
  const target = new EventTarget();
  let typing!: ReturnType<typeof useTyping>;
  function Signals() {
    typing = useTyping(roomId);
    const presence = usePresence("alice");
    const idle = useIdle({ target, idleAfterMs: 40, warnBeforeMs: 20 });
    const who = typing.users.map(({ id }) => id).join();
    return createElement("p", null, `${presence?.status} ${idle} ${who}`);
  }
  const seen = other.client.presence.of("bob");
  const stopSeen = seen.subscribe(() => undefined);
  const view = await render(() => below(bob.client, createElement(Signals)));
  await until("away", () => view.text() === "ONLINE idle " && seen.get()?.status === "AWAY");
  const room = other.client.rooms.get(roomId);
  const stopTyping = room.typing.subscribe(() => undefined);
  room.noteTyping();
  await until("typing", () => view.text().endsWith(" alice"));
  typing.onInput();
  await until("typing too", () => room.typing.get().length === 1);
  await view[Symbol.asyncDispose]();
  await until("stopped with the component", () => room.typing.get().length === 0);
  await until("no longer idle", () => seen.get()?.status === "ONLINE");
  stopSeen();
  stopTyping();
});

test("hooks that are unmounted while the client goes on leave no subscription, no listener and no open room", async () => {
  const roomId = await alice.createRoom("Left", ["bob"]);
  const wire = new Wire();
  const clock = createFakeClock(Date.now());
  await using bob = new TestClient(app, "bob", { webSocketImpl: wire.WebSocket, clock });
  const target = new CountingTarget();
  function Everything() {
    useInbox();
    useConnectionState();
    usePresence("alice");
    useTyping(roomId);
    useIdle({ target });
    return createElement(Chat, { roomId });
  }
  const begun = () => wire.sent.filter(({ type }) => type === "subscribe");
  const isOpen = (field: string) => {
    const ids = begun().flatMap(({ id, payload }) => (payload?.query?.includes(` ${field}(`) ? [id] : []));
    const over = new Set(wire.frames.filter(({ type }) => type === "complete").map(({ id }) => id));
    return ids.some((id) => !over.has(id));
  };
  const view = await render(() => below(bob.client, createElement(Everything)));
  const room = bob.client.rooms.get(roomId);
  await until("shown", async () => {
    await clock.advance(100);
    return isOpen("presence") && isOpen("typing") && room.status.get() === "ready";
  });
  expect(target.listeners).toBeGreaterThan(0);
  await view[Symbol.asyncDispose]();
  expect(target.listeners).toBe(0);
  await until("over", async () => {
    await clock.advance(100);
    return !isOpen("presence") && !isOpen("typing");
  });
  expect(isOpen("inbox")).toBe(true);
  expect(bob.client.rooms.get(roomId)).toBe(room);
  // Nobody came back to the room for half a minute.
  await clock.advance(31_000);
  await bob.live();
  expect(bob.client.rooms.get(roomId)).not.toBe(room);
});

/** Knows how many listen to it. */
class CountingTarget extends EventTarget {
  listeners = 0;

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>) {
    this.listeners++;
    super.addEventListener(...args);
  }

  override removeEventListener(...args: Parameters<EventTarget["removeEventListener"]>) {
    this.listeners--;
    super.removeEventListener(...args);
  }
}
