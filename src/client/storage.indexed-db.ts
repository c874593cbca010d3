import type { KeyValueStorage } from "./storage.ts";

const storeName = "entries";

/** Over IndexedDB, in a database of its own; opened at the first use, and again where the browser closed it. */
export function createIndexedDbStorage(options: { indexedDB: IDBFactory; databaseName?: string }): KeyValueStorage {
  const { indexedDB, databaseName = "causerie" } = options;
  let opening: Promise<IDBDatabase> | undefined;

  const forget = () => {
    opening = undefined;
  };

  async function open(): Promise<IDBDatabase> {
    opening ??= openDatabase(indexedDB, databaseName, forget);
    try {
      return await opening;
    } catch (error) {
      forget();
      throw error;
    }
  }

  async function run<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    const database = await open();
    return new Promise((resolve, reject) => {
      // "strict": what is said to be kept is on the disk, not on its way there.
      const transaction = database.transaction(storeName, mode, { durability: "strict" });
      const request = work(transaction.objectStore(storeName));
      transaction.addEventListener("complete", () => resolve(request.result));
      transaction.addEventListener("abort", () => {
        reject(transaction.error ?? new Error("The browser's storage gave up."));
      });
    });
  }

  return {
    get: (key) => run<string | undefined>("readonly", (store) => store.get(key)),
    set: async (key, value) => void (await run("readwrite", (store) => store.put(value, key))),
    delete: (key) => run("readwrite", (store) => store.delete(key)),
    async keys(prefix) {
      const all = await run("readonly", (store) => store.getAllKeys());
      return all.map(String).filter((key) => key.startsWith(prefix));
    },
  };
}

function openDatabase(indexedDB: IDBFactory, name: string, onClosed: () => void): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(storeName));
    request.addEventListener("error", () => {
      reject(request.error ?? new Error("The browser's storage does not open."));
    });
    request.addEventListener("success", () => {
      const database = request.result;
      database.addEventListener("close", onClosed);
      // Another tab wants to change or delete the database: it must not wait for this one.
      database.addEventListener("versionchange", () => {
        database.close();
        onClosed();
      });
      resolve(database);
    });
  });
}
