import { describe, expect, it } from "vitest";
import type { KeyValueStorage } from "../../src/client/storage.ts";

/** What every `KeyValueStorage` keeps to. `open` gives the same medium anew at each call of one test: a reload. */
export function describeStorage(name: string, createMedium: () => () => KeyValueStorage) {
  describe(name, () => {
    it("gives back what was set, also after a reload, and nothing for a key that is not there", async () => {
      const open = createMedium();
      const storage = open();
      expect(await storage.get("a")).toBeUndefined();
      await storage.set("a", "1");
      await storage.set("a", "2");
      await storage.set("empty", "");
      expect(await open().get("a")).toBe("2");
      expect(await open().get("empty")).toBe("");
    });

    it("forgets what was deleted, and takes the deletion of what is not there", async () => {
      const open = createMedium();
      const storage = open();
      await storage.set("a", "1");
      await storage.delete("a");
      await storage.delete("a");
      expect(await storage.get("a")).toBeUndefined();
      expect(await open().keys("")).toEqual([]);
    });

    it("lists the keys with a prefix and no others", async () => {
      const storage = createMedium()();
      for (const key of ["outbox/a", "outbox/b", "outbox2", "cursors/a", "Outbox/c"]) await storage.set(key, key);
      expect((await storage.keys("outbox/")).sort()).toEqual(["outbox/a", "outbox/b"]);
      expect(await storage.keys("outbox/a/")).toEqual([]);
      expect(await storage.keys("")).toHaveLength(5);
    });

    it("takes any text as key and value", async () => {
      const storage = createMedium()();
      for (const text of ["__proto__", "length", "ключ 🗝", "a\u0000b", " "]) {
        await storage.set(text, text);
        expect(await storage.get(text)).toBe(text);
      }
      expect((await storage.keys("__")).sort()).toEqual(["__proto__"]);
    });
  });
}
