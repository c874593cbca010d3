import { expect, test } from "vitest";
import { createAccounts } from "./accounts.ts";
import type { AccountsStore } from "./accounts.store.ts";

test("few searches run at a time, and one who searches very often holds up nobody else's", async () => {
  let running = 0;
  let most = 0;
  let ofAlice = 0;
  const store = {
    async search({ text }: { text: string }) {
      running += 1;
      most = Math.max(most, running);
      if (text === "alice's") ofAlice += 1;
      await new Promise(setImmediate);
      running -= 1;
      return [];
    },
  } as unknown as AccountsStore;
  const { search } = createAccounts({ store });
  const many = Array.from({ length: 100 }, () => search("alice", { text: "alice's", after: null, limit: 1 }));
  await search("bob", { text: "bob's", after: null, limit: 1 });
  expect(ofAlice).toBeLessThan(20);
  await Promise.all(many);
  expect(ofAlice).toBe(100);
  expect(most).toBe(4);
});
