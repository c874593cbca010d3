import { expect, test } from "vitest";
import { Group } from "./group.ts";
import { Deliveries } from "./deliveries.ts";
import { uncounted } from "./hub-metrics.ts";
import { FollowedRooms } from "./followed-rooms.ts";
import type { Hub } from "./hub.ts";
import { RingBudget } from "./ring-budget.ts";
import type { FeedItem, Selection } from "./selection.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";

const roomId = "01980000-0000-7000-8000-000000000001";
const events = 30;
const changes = Array.from({ length: events }, (_, index) => ({ type: "RoomUpdated" as const, revision: index + 1 }));
const page = { roomId, after: 0, changes, through: events, complete: true, bound: events, leftRevision: null };

/** How many events a catch-up made in each turn of the event loop. */
async function madeByTurn(cost: number): Promise<number[]> {
  const byTurn: number[] = [];
  let isNewTurn = true;
  const executed = { payload: { json: "", bytes: "" }, memberRevision: 0 };
  const run = ({ type }: FeedItem) => {
    if (type === "CaughtUp") return executed;
    if (isNewTurn) {
      byTurn.push(0);
      isNewTurn = false;
      setImmediate(() => (isNewTurn = true));
    }
    byTurn[byTurn.length - 1]! += 1;
    return executed;
  };
  const selection: Selection = { key: "", kinds: new Set(["ROOM"]), perViewer: false, begin: () => ({ run }) };
  const group = new Group(selection, {
    position: events,
    memberRevision: 0,
    deliveries: new Deliveries(uncounted),
    ringBudget: new RingBudget({ maxBytes: 0 }),
  });
  const hub = {
    metrics: uncounted,
    onFault: (fault: unknown) => expect.unreachable(String(fault)),
    watchOf: () => ({}),
    joinGroup: () => group,
    leaveGroup() {},
    catchUp: (_userId: string, work: () => Promise<void>) => work(),
    readForMember: () => Promise.resolve({ pages: [page], more: false }),
  } as unknown as Hub;
  const caughtUp = Promise.withResolvers<void>();
  let given = 0;
  const sink = {
    overloaded: false,
    // All events, and that it has caught up.
    next: () => void ((given += 1) > events && caughtUp.resolve()),
    fail: caughtUp.reject,
  } as unknown as Sink;
  const viewer = { id: "alice", name: "Alice", avatarUrl: null };
  const unexpected = () => expect.unreachable();
  const subscription = new Subscription({
    hub,
    followed: new FollowedRooms({ max: 1 }),
    viewer,
    sink,
    selection,
    cost,
    onLeft: unexpected,
    notMember: unexpected,
  });
  subscription.add([{ roomId, position: 0, held: 0, memberThrough: 0, reason: "resumed" }]);
  subscription.fellBehind();
  await caughtUp.promise;
  subscription.close();
  return byTurn;
}

test("a catch-up makes few events in a turn, and of the dearest one", async () => {
  expect(Math.max(...(await madeByTurn(1)))).toBe(10);
  expect(Math.max(...(await madeByTurn(4_000)))).toBe(2);
  expect(await madeByTurn(10_000)).toEqual(Array.from({ length: events }, () => 1));
});
