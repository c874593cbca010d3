import { describe, expect, it, vi } from "vitest";
import { createComputed, createVariable } from "./observable.ts";

describe("an observable", () => {
  it("tells its listeners of each change, and of nothing that is no change", () => {
    const variable = createVariable(1);
    const listener = vi.fn();
    variable.subscribe(listener);
    variable.set(1);
    expect(listener).not.toHaveBeenCalled();
    variable.set(2);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(variable.get()).toBe(2);
  });

  it("tells no listener that has left, even when it leaves while others are told", () => {
    const variable = createVariable(1);
    const second = vi.fn();
    const leaveFirst = variable.subscribe(() => leaveSecond());
    const leaveSecond = variable.subscribe(second);
    variable.set(2);
    leaveFirst();
    variable.set(3);
    expect(second).not.toHaveBeenCalled();
  });

  it("takes one function twice as two listeners", () => {
    const variable = createVariable(1);
    const listener = vi.fn();
    const leave = variable.subscribe(listener);
    variable.subscribe(listener);
    leave();
    leave();
    variable.set(2);
    expect(listener).toHaveBeenCalledTimes(1);
  });

  it("is computed once for many changes and keeps its reference until the next", () => {
    const compute = vi.fn(() => ({}));
    const computed = createComputed(compute);
    computed.changed();
    computed.changed();
    expect(computed.get()).toBe(computed.get());
    expect(compute).toHaveBeenCalledTimes(1);
    const before = computed.get();
    computed.changed();
    expect(computed.get()).not.toBe(before);
  });
});
