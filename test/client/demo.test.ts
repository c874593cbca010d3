import { page } from "./dom.ts";
import { act, createElement, StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, expect, test } from "vitest";
import type { ChatClient, Message, Outcome } from "../../src/client/index.ts";
import type { Intent } from "../../src/demo/room/composer.tsx";
import { CauserieProvider, type RoomView } from "../../src/react/index.ts";

Object.assign(globalThis, {
  sessionStorage: page.sessionStorage,
  matchMedia: () => ({ matches: false }),
  IS_REACT_ACT_ENVIRONMENT: true,
});
const { Composer } = await import("../../src/demo/room/composer.tsx");
const { Arrivals } = await import("../../src/demo/room/arrivals.tsx");
const { useUnreadMark } = await import("../../src/demo/room/unread-mark.ts");
const { rowsOf } = await import("../../src/demo/room/rows.ts");

afterEach(() => page.sessionStorage.clear());

test("what one user wrote and did not send is not shown to the next one in the tab, but to the same one again", async () => {
  const alice = await openComposer({ userId: "alice" });
  await alice.write("a secret of Alice");
  await alice.close();
  const bob = await openComposer({ userId: "bob" });
  expect(bob.field.value).toBe("");
  await bob.close();
  const again = await openComposer({ userId: "alice" });
  expect(again.field.value).toBe("a secret of Alice");
  await again.close();
});

test("an edit stays in the field until the server has it", async () => {
  const answers = [Promise.withResolvers<Outcome<Message>>(), Promise.withResolvers<Outcome<Message>>()];
  const edits: string[] = [];
  const edit = (_id: string, content: string) => answers[edits.push(content) - 1]!.promise;
  const composer = await openComposer({ edit, intent: { kind: "edit", message: messageOf("before") } });
  await composer.write("a long new text");
  await composer.submit();
  await composer.submit();
  expect(edits).toEqual(["a long new text"]);
  await act(async () => answers[0]!.reject(new Error("There was no answer within 30000 ms.")));
  expect(composer.field.value).toBe("a long new text");
  expect(composer.intent).toBeDefined();

  await composer.submit();
  await act(async () => answers[1]!.resolve({ ok: true, value: messageOf("a long new text") }));
  expect(composer.intent).toBeUndefined();
  expect(composer.field.value).toBe("");
  await composer.close();
});

test("an edit that is answered late does not end the next one", async () => {
  const answer = Promise.withResolvers<Outcome<Message>>();
  const composer = await openComposer({
    edit: () => answer.promise,
    intent: { kind: "edit", message: messageOf("before") },
  });
  await composer.write("after");
  await composer.submit();
  await composer.begin({ kind: "edit", message: messageOf("another") });
  await act(async () => answer.resolve({ ok: true, value: messageOf("after") }));
  expect(composer.field.value).toBe("another");
  await composer.close();
});

test("a message that could not be kept is in the field again, before what was written meanwhile", async () => {
  const kept = Promise.withResolvers<never>();
  const composer = await openComposer({ send: () => kept.promise });
  await composer.write("first");
  await composer.submit();
  await composer.write("second");
  await act(async () => kept.reject(new Error("full")));
  expect(composer.field.value).toBe("first\nsecond");
  await composer.close();
});

test("a message that is too long is not sent, and the page says by how much", async () => {
  const composer = await openComposer({ send: () => Promise.reject(new Error("It was sent.")) });
  await composer.write("x".repeat(7_501));
  expect(composer.text()).toContain("499 characters left");
  await composer.write("x".repeat(20_000));
  expect(composer.text()).toContain("12,000 characters too many");
  await composer.submit();
  expect(composer.field.value).toHaveLength(20_000);
  await composer.close();
});

test("what others write is read out, also the same words again, and several at once; what oneself writes is not", async () => {
  let messages = [messageAt(1, "hello"), messageAt(2, "ok")];
  const view = await render(() => createElement(Arrivals, { rows: rowsOf(messages, "bob"), isLoaded: true }));
  const heard = async (...more: Message[]) => {
    const before = new Set(view.container.querySelectorAll("p"));
    messages = [...messages, ...more];
    await view.show();
    return [...view.container.querySelectorAll("p")].filter((one) => !before.has(one)).map((one) => one.textContent);
  };
  expect(await heard()).toEqual([]);
  expect(await heard(messageAt(3, "ok"))).toEqual(["Alice: ok"]);
  expect(await heard(messageAt(4, "ok"))).toEqual(["Alice: ok"]);
  expect(await heard(messageAt(5, "one"), messageAt(6, "two"), messageAt(7, "own", "bob"))).toEqual([
    "Alice: one",
    "Alice: two",
  ]);
  messages = [messageAt(0, "older"), ...messages];
  expect(await heard()).toEqual([]);
  await view.close();
});

test("in a room that was empty the first message is read out; in one that loads, none of those that were there", async () => {
  let [messages, isLoaded]: [Message[], boolean] = [[], false];
  const view = await render(() => createElement(Arrivals, { rows: rowsOf(messages, "bob"), isLoaded }));
  isLoaded = true;
  await view.show();
  messages = [messageAt(1, "first")];
  await view.show();
  expect(view.container.textContent).toBe("Alice: first");
  await view.close();

  [messages, isLoaded] = [[], false];
  const other = await render(() => createElement(Arrivals, { rows: rowsOf(messages, "bob"), isLoaded }));
  [messages, isLoaded] = [[messageAt(1), messageAt(2)], true];
  await other.show();
  expect(other.container.textContent).toBe("");
  await other.close();
});

test("the mark of what is unread waits for the first unread message, and stays there when that is read", async () => {
  let messages = Array.from({ length: 50 }, (_, index) => messageAt(51 + index));
  let lastRead = 20;
  const receipts = receiptsOf((id) => id <= lastRead);
  let mark!: ReturnType<typeof useUnreadMark>;
  function Mark() {
    const hasOlder = messages.length < 100;
    mark = useUnreadMark(rowsOf(messages, "bob"), { status: "ready", receipts, hasOlder } as RoomView);
    return null;
  }
  const view = await render(() => createElement(Mark));
  expect(mark).toEqual({ key: undefined, isSettled: false });
  messages = Array.from({ length: 100 }, (_, index) => messageAt(1 + index));
  await view.show();
  expect(mark).toEqual({ key: rowsOf(messages, "bob")[20]!.key, isSettled: true });
  lastRead = 100;
  await view.show();
  expect(mark.key).toBe(rowsOf(messages, "bob")[20]!.key);
  await view.close();
});

test("what was read while its place was not known yet counts as unread for the mark", async () => {
  let messages = Array.from({ length: 50 }, (_, index) => messageAt(51 + index));
  const isRead = new Set<number>();
  const receipts = receiptsOf((id) => isRead.has(id));
  let mark!: ReturnType<typeof useUnreadMark>;
  function Mark() {
    mark = useUnreadMark(rowsOf(messages, "bob"), { status: "ready", receipts, hasOlder: true } as RoomView);
    return null;
  }
  const view = await render(() => createElement(Mark));
  for (const id of [50, 51, 52]) isRead.add(id);
  await view.show();
  expect(mark.isSettled).toBe(false);
  messages = [messageAt(50), ...messages];
  await view.show();
  expect(mark).toEqual({ key: rowsOf(messages, "bob")[1]!.key, isSettled: true });
  await view.close();
});

async function render(node: () => ReactNode) {
  const container = page.document.createElement("div") as unknown as HTMLElement;
  // What is dispatched comes to React only in the document.
  page.document.body.appendChild(container as never);
  const root = createRoot(container);
  const renderAgain = () => root.render(createElement(StrictMode, null, node()));
  const show = () => act(async () => renderAgain());
  await show();
  return {
    container,
    show,
    renderAgain,
    async close() {
      await act(async () => root.unmount());
      container.remove();
    },
  };
}

interface ComposerWorld {
  userId?: string;
  intent?: Intent;
  send?: RoomView["send"];
  edit?: RoomView["edit"];
}

/** The composer of one room, as the room's view holds it. */
async function openComposer({ userId = "alice", intent, ...actions }: ComposerWorld) {
  const client = { userId } as ChatClient;
  const props = {
    roomId: "tea",
    view: actions as RoomView,
    onInput: ignore,
    onCleared: ignore,
    onEditLast: ignore,
    onIntentDone(done: Intent) {
      if (intent !== done) return;
      intent = undefined;
      view.renderAgain();
    },
  };
  const view = await render(() =>
    createElement(CauserieProvider, { client, children: createElement(Composer, { ...props, intent }) }),
  );
  const field = view.container.querySelector("textarea")!;
  return {
    field,
    get intent() {
      return intent;
    },
    text: () => view.container.textContent,
    close: () => view.close(),
    begin(next: Intent) {
      intent = next;
      return view.show();
    },
    write: (text: string) =>
      act(async () => {
        // Past React, which else takes it for its own doing.
        Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value")!.set!.call(field, text);
        field.dispatchEvent(new page.Event("input", { bubbles: true }) as never);
      }),
    submit: () =>
      act(async () => {
        const event = new page.Event("submit", { bubbles: true, cancelable: true });
        view.container.querySelector("form")!.dispatchEvent(event as never);
      }),
  };
}

function ignore() {}

function receiptsOf(isRead: (id: number) => boolean): RoomView["receipts"] {
  const numberOf = ({ position }: { position: string }) => Number(position.split(".")[1]);
  return { isRead: (message) => isRead(numberOf(message)), readersOf: () => [] };
}

const messageOf = (content: string) => messageAt(1, content);

function messageAt(number: number, content = `${number}`, senderId = "alice"): Message {
  const position = `tea.${String(number).padStart(16, "0")}`;
  const sentAt = new Date(number * 1_000).toISOString();
  return {
    id: `${number}`,
    clientMessageId: `${number}`,
    position,
    version: position,
    hlc: `${number}`,
    sender: { id: senderId, name: senderId === "alice" ? "Alice" : "Bob", avatarUrl: null },
    content,
    sentAt,
    editedAt: null,
    deletedAt: null,
    replyTo: null,
  };
}
