import { expect, test } from "vitest";
import { createFakeClock, settled } from "../../test/support/fake-clock.ts";
import { createLocalLock } from "./lock.ts";
import { createMemoryStorage } from "./storage.ts";
import { createSyncPosition, type SyncPosition } from "./sync-position.ts";

const at = (roomId: string, revision: number) => `${roomId}.${String(revision).padStart(16, "0")}`;

function openDevice() {
  const storage = createMemoryStorage();
  const clock = createFakeClock();
  const lock = createLocalLock();
  const faults: unknown[] = [];
  const openTab = async () => {
    const tab = createSyncPosition({ storage, lock, key: "k", clock, onFault: (error) => faults.push(error) });
    await tab.load();
    return tab;
  };
  return { storage, clock, faults, openTab };
}

test("a device that never synced knows no position, one without rooms knows that", async () => {
  const { openTab, clock } = openDevice();
  const tab = await openTab();
  expect(tab.cursors).toBeUndefined();
  tab.advance([]);
  await clock.advance(1_000);
  expect((await openTab()).cursors).toEqual([]);
});

test("positions go only forward, and are written at most once a second", async () => {
  const { openTab, clock, storage } = openDevice();
  const tab = await openTab();
  let writes = 0;
  const medium = { ...storage };
  storage.set = (key, value) => {
    writes++;
    return medium.set(key, value);
  };
  for (let revision = 1; revision <= 50; revision++) tab.advance([at("a", revision)]);
  tab.advance([at("a", 7), at("b", 2)]);
  await clock.advance(1_000);
  expect(writes).toBe(1);
  expect((await openTab()).cursors).toEqual([at("a", 50), at("b", 2)]);
  await clock.advance(10_000);
  expect(writes).toBe(1);
});

test("tabs merge theirs: a reload goes on from the newest of each room", async () => {
  const { openTab, clock } = openDevice();
  const [first, second] = [await openTab(), await openTab()];
  first.advance([at("a", 5), at("b", 1)]);
  second.advance([at("a", 3), at("b", 4), at("c", 1)]);
  await clock.advance(1_000);
  expect((await openTab()).cursors).toEqual([at("a", 5), at("b", 4), at("c", 1)]);
  expect(first.cursors).toEqual([at("a", 5), at("b", 1)]);
});

test("a room that is not needed any longer is forgotten, and comes back only with news of it", async () => {
  const { openTab, clock } = openDevice();
  const tab = await openTab();
  tab.advance([at("a", 5), at("b", 1)]);
  await clock.advance(1_000);
  tab.keep((roomId) => roomId !== "a");
  await clock.advance(1_000);
  expect((await openTab()).cursors).toEqual([at("b", 1)]);
  tab.advance([at("a", 9)]);
  await clock.advance(1_000);
  expect((await openTab()).cursors).toEqual([at("a", 9), at("b", 1)]);
});

test("what is stored and is no position counts as none", async () => {
  for (const text of ["", "{", "[[1,2]]", '[["a","x"]]', '{"a":1}']) {
    const { openTab, storage, faults } = openDevice();
    await storage.set("k", text);
    expect((await openTab()).cursors).toBeUndefined();
    expect(faults).toHaveLength(1);
  }
});

test("what was not written yet is written at the end, and no timer is left", async () => {
  const { openTab, clock } = openDevice();
  const tab = await openTab();
  tab.advance([at("a", 5)]);
  await tab.dispose();
  expect(clock.timers).toBe(0);
  tab.advance([at("a", 6)]);
  expect(clock.timers).toBe(0);
  expect((await openTab()).cursors).toEqual([at("a", 5)]);
});

test("what could not be written is written with the next change, or at the end", async () => {
  const { openTab, clock, storage, faults } = openDevice();
  const medium = { ...storage };
  let fails = 0;
  storage.set = (key, value) => (fails-- > 0 ? Promise.reject(new Error("The disk is full.")) : medium.set(key, value));
  for (const go of [
    async (tab: SyncPosition) => tab.dispose(),
    async (tab: SyncPosition) => {
      tab.advance([at("b", 1)]);
      await clock.advance(1_000);
    },
  ]) {
    await storage.delete("k");
    const tab = await openTab();
    fails = 1;
    tab.advance([at("a", 5)]);
    await clock.advance(1_000);
    expect((await openTab()).cursors).toBeUndefined();
    await go(tab);
    expect((await openTab()).cursors).toContain(at("a", 5));
  }
  expect(faults).toHaveLength(2);
});

test("after a reset nothing of the old position is written any more", async () => {
  const { openTab, clock } = openDevice();
  const tab = await openTab();
  tab.advance([at("a", 5)]);
  await tab.reset();
  await clock.advance(1_000);
  await settled();
  expect((await openTab()).cursors).toBeUndefined();
  expect(clock.timers).toBe(0);
});
