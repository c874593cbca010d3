import { expect, test } from "vitest";
import type { Connection, SubscriptionSink } from "./connection.ts";
import type { LinkState } from "./connector.ts";
import { createFakeClock, settled, type FakeClock } from "../../test/support/fake-clock.ts";
import { TypingDocument, type TypingSubscription } from "./generated/operations.ts";
import { watchLive } from "./live-watch.ts";
import { createVariable } from "./observable.ts";
import { ConnectionLostError, OperationError } from "./operation-error.ts";
import { user } from "../../test/support/room-events.ts";
import type { RoomStatus } from "./room-log.ts";
import { createRoomTyping } from "./room-typing.ts";

type Sink = SubscriptionSink<TypingSubscription>;

/** A link to a server of which the test gives every word. */
function createLink() {
  const link = createVariable<LinkState>({ status: "offline", reason: undefined });
  const open = new Set<Sink>();
  let begun = 0;
  let isOpen = false;
  const connection = {
    get isOpen() {
      return isOpen;
    },
    subscribe(_document: unknown, _variables: unknown, sink: Sink) {
      begun++;
      open.add(sink);
      return () => void open.delete(sink);
    },
  } as unknown as Connection;
  return {
    link,
    open,
    get begun() {
      return begun;
    },
    connect() {
      isOpen = true;
      link.set({ status: "open", connection });
    },
    lose() {
      isOpen = false;
      link.set({ status: "offline", reason: undefined });
      for (const sink of open) sink.error(new ConnectionLostError());
    },
    tell(...ids: string[]) {
      for (const sink of open) sink.next({ typing: { users: ids.map(user) } });
    },
    refuse(code: string) {
      for (const sink of open) sink.error(new OperationError([{ message: "No.", extensions: { code } }]));
    },
  };
}

function watch({ clock, link }: { clock: FakeClock; link: ReturnType<typeof createLink>["link"] }) {
  const told: string[] = [];
  const end = watchLive({
    link,
    clock,
    document: TypingDocument,
    variables: { roomId: "r" },
    onData: ({ typing }, isFirst) => told.push(`${isFirst ? "first " : ""}${typing.users.map(({ id }) => id).join()}`),
    onLost: () => told.push("lost"),
    onFault: () => undefined,
  });
  return { told, end };
}

test("a watch begins anew over each connection, and says what it no longer knows", async () => {
  const server = createLink();
  const { told, end } = watch({ clock: createFakeClock(), link: server.link });
  server.connect();
  await settled();
  server.tell("ann");
  server.tell();
  server.lose();
  await settled();
  server.connect();
  await settled();
  server.tell("ben");
  expect(told).toEqual(["first ann", "", "lost", "first ben"]);
  end();
  await settled();
  expect(server.open.size).toBe(0);
});

test("an event with errors ends the subscription at the server too, before another one begins", async () => {
  const server = createLink();
  const clock = createFakeClock();
  const { end } = watch({ clock, link: server.link });
  server.connect();
  for (let time = 0; time < 10; time++) {
    await settled();
    server.refuse("INTERNAL");
    await settled();
    expect(server.open.size).toBe(0);
    await clock.advance(60_000);
    expect(server.open.size).toBe(1);
  }
  end();
});

test("what is refused for good is not asked for again", async () => {
  const server = createLink();
  const clock = createFakeClock();
  const { told } = watch({ clock, link: server.link });
  server.connect();
  await settled();
  server.refuse("NOT_FOUND");
  await clock.advance(3_600_000);
  expect(told).toEqual(["lost"]);
  expect(server.begun).toBe(1);
  expect(clock.timers).toBe(0);
});

test("typing is told again to who was removed from the room and came back", async () => {
  const server = createLink();
  const status = createVariable<RoomStatus>("loading");
  const typing = createRoomTyping({
    roomId: "r",
    userId: "me",
    status,
    link: server.link,
    requests: { ask: () => Promise.reject(new Error("Nothing is asked here.")) },
    clock: createFakeClock(),
    onFault: () => undefined,
  });
  const here = () => typing.users.get().map(({ id }) => id);
  const stop = typing.users.subscribe(() => undefined);
  server.connect();
  await settled();
  expect(server.begun).toBe(0);
  status.set("ready");
  await settled();
  server.tell("ann", "me");
  expect(here()).toEqual(["ann"]);
  server.refuse("NOT_FOUND");
  status.set("left");
  await settled();
  expect(here()).toEqual([]);
  status.set("loading");
  status.set("ready");
  await settled();
  server.tell("ben");
  expect(here()).toEqual(["ben"]);
  expect(server.begun).toBe(2);
  stop();
  await settled();
  expect([server.open.size, here()]).toEqual([0, []]);
  typing.dispose();
});
