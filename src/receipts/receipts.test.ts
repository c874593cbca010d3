import { expect, test } from "vitest";
import { createReceipts } from "./receipts.ts";
import type { Mark, Marked } from "./receipts.store.ts";

const roomOf = (index: number) => `01980000-0000-7000-8000-00000000000${index}`;
const messageId = "01980000-0000-7000-8000-0000000000ff";
const reader = { id: "alice", name: "Alice", avatarUrl: null };

test("those who have much to mark, in many steps, hold up nobody else's", async () => {
  const steps = new Map<string, number>();
  const receipts = createReceipts({
    hub: { publish: () => expect.unreachable() },
    pace: { turn: () => Promise.resolve() },
    store: {
      async mark(batch: Mark[]) {
        await new Promise(setImmediate);
        return batch.map(({ roomId }): Marked => {
          const step = (steps.get(roomId) ?? 0) + 1;
          steps.set(roomId, step);
          return { outcome: "READ", isPart: roomId !== roomOf(9) && step < 50, ranges: [] };
        });
      },
    },
  });
  const long = [];
  // As many as may be in flight at a time.
  for (const index of [1, 2]) {
    long.push(receipts.markRead(reader, { roomId: roomOf(index), upToId: messageId }));
    await new Promise(setImmediate);
  }
  await receipts.markRead(reader, { roomId: roomOf(9), upToId: messageId });
  expect(Math.max(...steps.values())).toBeLessThan(10);
  await Promise.all(long);
  expect([...steps.values()].toSorted((a, b) => a - b)).toEqual([1, 50, 50]);
});
