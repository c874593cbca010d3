import { describe, expect, it } from "vitest";
import { createLocalLock, createWebLock } from "./lock.ts";
import { settled } from "../../test/support/fake-clock.ts";

const locks = [
  ["a local lock", createLocalLock],
  ["a web lock", () => createWebLock(globalThis.navigator.locks)],
] as const;

describe.each(locks)("%s", (_, create) => {
  it("lets one in at a time, in their order, and gives what each gives", async () => {
    const lock = create();
    const steps: string[] = [];
    const work = (name: string) =>
      lock("rooms", async () => {
        steps.push(`${name} in`);
        await settled();
        steps.push(`${name} out`);
        return name;
      });
    expect(await Promise.all([work("a"), work("b"), work("c")])).toEqual(["a", "b", "c"]);
    expect(steps).toEqual(["a in", "a out", "b in", "b out", "c in", "c out"]);
  });

  it("lets the next in after a failure, which goes to its own caller alone", async () => {
    const lock = create();
    const failing = lock("rooms", () => Promise.reject(new Error("broken")));
    const next = lock("rooms", async () => "next");
    await expect(failing).rejects.toThrow("broken");
    await expect(next).resolves.toBe("next");
  });

  it("keeps nobody from another name", async () => {
    const lock = create();
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = lock("a", () => promise);
    await expect(lock("b", async () => "free")).resolves.toBe("free");
    resolve();
    await held;
  });
});
