import type { KeyValueStorage } from "./storage.ts";

const storeName = "entries";
/** What is said to be kept is on the disk, not on its way there. */
const strict = { durability: "strict" } as const;

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
    const transaction = begin(await open(), mode) ?? (await open()).transaction(storeName, mode, strict);
    return new Promise((resolve, reject) => {
      const request = work(transaction.objectStore(storeName));
      transaction.addEventListener("complete", () => resolve(request.result));
      transaction.addEventListener("abort", () => {
        reject(transaction.error ?? new Error("The browser's storage gave up."));
      });
    });
  }

  /** Undefined where the browser closed the database without a word, as WebKit does behind an app that slept. */
  function begin(database: IDBDatabase, mode: IDBTransactionMode): IDBTransaction | undefined {
    try {
      return database.transaction(storeName, mode, strict);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "InvalidStateError") throw error;
      forget();
      return undefined;
    }
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
