import { IDBFactory } from "fake-indexeddb";
import { expect, it } from "vitest";
import { describeStorage } from "../../test/contract/storage.ts";
import { createIndexedDbStorage } from "./storage.indexed-db.ts";
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

describeStorage("IndexedDB", () => {
  const indexedDB = new IDBFactory();
  return () => createIndexedDbStorage({ indexedDB });
});

it("IndexedDB opens again after another tab deleted the database, and does not keep that tab waiting", async () => {
  const indexedDB = new IDBFactory();
  const storage = createIndexedDbStorage({ indexedDB, databaseName: "kit" });
  await storage.set("a", "1");
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase("kit");
    request.addEventListener("success", () => resolve());
    request.addEventListener("blocked", () => reject(new Error("The storage keeps the database open.")));
  });
  expect(await storage.get("a")).toBeUndefined();
  await storage.set("a", "2");
  expect(await storage.get("a")).toBe("2");
});

it("IndexedDB that closed without a word is opened again", async () => {
  const indexedDB = new IDBFactory();
  const opened: IDBDatabase[] = [];
  const noting = {
    open(name: string, version: number) {
      const request = indexedDB.open(name, version);
      request.addEventListener("success", () => opened.push(request.result));
      return request;
    },
  };
  const storage = createIndexedDbStorage({ indexedDB: noting as IDBFactory });
  await storage.set("a", "1");
  // As WebKit leaves it after the app slept: each transaction is refused, and no `close` was told.
  opened[0]!.close();
  expect(await storage.get("a")).toBe("1");
  await storage.set("a", "2");
  expect(await storage.get("a")).toBe("2");
  expect(opened).toHaveLength(2);
});

it("IndexedDB that cannot be opened rejects, and is tried anew the next time", async () => {
  const indexedDB = new IDBFactory();
  let isBroken = true;
  const broken = {
    open: (name: string, version: number) =>
      indexedDB.open(isBroken ? (undefined as never) : name, isBroken ? 0 : version),
  };
  const storage = createIndexedDbStorage({ indexedDB: broken as IDBFactory });
  await expect(storage.set("a", "1")).rejects.toThrow();
  isBroken = false;
  await storage.set("a", "1");
  expect(await storage.get("a")).toBe("1");
});

it("localStorage that is full rejects, and does not throw at the caller", async () => {
  const storage = createWebStorage(createBrowserStorage(3));
  const setting = storage.set("a", "four");
  await expect(setting).rejects.toThrow("quota");
});
