import { expect, test } from "vitest";
import { systemBoardClock } from "../live/presence-board.clock.ts";
import { createOnlineUsers } from "./online-users.ts";

test("however often one user asks at once, one statement looks at all who share rooms with them, and one more", async () => {
  let running = 0;
  let reads = 0;
  const onlineUsers = createOnlineUsers({
    clock: systemBoardClock,
    board: { read: async () => ({ users: new Map(), complete: true }) },
    store: {
      async readRecent() {
        reads += 1;
        running += 1;
        expect(running).toBe(1);
        await new Promise(setImmediate);
        running -= 1;
        return [];
      },
    },
  });
  const ask = () => onlineUsers({ viewerId: "alice", sinceMs: 0, after: null, limit: 1 });
  await Promise.all(Array.from({ length: 30 }, ask));
  expect(reads).toBe(2);
});
