import { expect, it } from "vitest";
import { describeStorage } from "./storage.contract.ts";
import { createMemoryStorage, createWebStorage } from "./storage.ts";

/** The interface that browsers give `localStorage`, with a limit as theirs. */
function createBrowserStorage(maxCharacters = 5_000_000): Storage {
  const values = new Map<string, string>();
  return {
    get length() {
      return values.size;
    },
    key: (index) => [...values.keys()][index] ?? null,
    getItem: (key) => values.get(key) ?? null,
    setItem(key, value) {
      if (value.length > maxCharacters) throw new DOMException("The quota has been exceeded.", "QuotaExceededError");
      values.set(key, value);
    },
    removeItem: (key) => void values.delete(key),
    clear: () => values.clear(),
  };
}

describeStorage("memory", () => {
  const storage = createMemoryStorage();
  return () => storage;
});

describeStorage("localStorage", () => {
  const medium = createBrowserStorage();
  return () => createWebStorage(medium);
});

it("localStorage that is full rejects, and does not throw at the caller", async () => {
  const storage = createWebStorage(createBrowserStorage(3));
  const setting = storage.set("a", "four");
  await expect(setting).rejects.toThrow("quota");
});
