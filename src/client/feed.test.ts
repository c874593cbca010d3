import { expect, test } from "vitest";
import type { Connection, SubscriptionSink } from "./connection.ts";
import { createFakeClock, settled } from "../../test/support/fake-clock.ts";
import { Feed } from "./feed.ts";
import type { InboxSubscription } from "./generated/operations.ts";
import { ConnectionLostError, OperationError } from "./operation-error.ts";
import { at } from "../../test/support/room-events.ts";
import type { SyncPosition } from "./sync-position.ts";

/** A connection whose subscription the test feeds. */
function createConnection() {
  let isOpen = true;
  let sink: SubscriptionSink<InboxSubscription> | undefined;
  const connection = {
    get isOpen() {
      return isOpen;
    },
    close: () => (isOpen = false),
    subscribe: (_document: unknown, _variables: unknown, given: SubscriptionSink<InboxSubscription>) => {
      sink = given;
      return () => undefined;
    },
  } as unknown as Connection;
  return {
    connection,
    catchUp: (revision: number) => sink?.next({ inbox: { __typename: "CaughtUp", cursors: [at(revision)] } }),
    refuse: (code: string) => sink?.error(new OperationError([{ message: "No.", extensions: { code } }])),
    lose() {
      isOpen = false;
      sink?.error(new ConnectionLostError());
    },
  };
}

/** One whose `reset` waits for another tab. */
function createPosition() {
  let cursors: string[] | undefined = [at(1)];
  const reset = Promise.withResolvers<void>();
  const position: SyncPosition = {
    get cursors() {
      return cursors;
    },
    of: () => undefined,
    advance: (next) => void (cursors = [...next]),
    keep: () => undefined,
    load: async () => undefined,
    reset() {
      cursors = undefined;
      return reset.promise;
    },
    dispose: async () => undefined,
  };
  return { position, endReset: () => reset.resolve() };
}

test("the end of a connection says nothing of the one that follows it", async () => {
  const { position, endReset } = createPosition();
  const feed = new Feed({
    userId: "me",
    position,
    clock: createFakeClock(),
    deliver: () => undefined,
    onReset: () => undefined,
    onFault: () => undefined,
    pagesAfterMs: Infinity,
    pageSize: 10,
  });
  const [first, second] = [createConnection(), createConnection()];
  void feed.follow(first.connection);
  await settled();
  first.refuse("CURSOR_RESET");
  await settled();
  first.lose();
  void feed.follow(second.connection);
  await settled();
  second.catchUp(2);
  expect(feed.phase.get()).toBe("live");
  endReset();
  await settled();
  expect(feed.phase.get()).toBe("live");
  second.lose();
  await settled();
  expect(feed.phase.get()).toBe("waiting");
});
