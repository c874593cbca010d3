import { expect, test } from "vitest";
import { createLiveCosts } from "./live-costs.ts";

const alike = { userId: "alice", scope: "room", key: "alike", cost: 6 };

test("those that ask alike cost once, for as long as one of them is open", () => {
  const costs = createLiveCosts({ maxCost: 10 });
  const [first, second] = [costs.take(alike), costs.take(alike)];
  const other = { ...alike, key: "otherwise" };
  first();
  first();
  expect(() => costs.take(other)).toThrow("more than 10");
  second();
  costs.take(other)();
  expect(costs.scopes).toBe(0);
});

test("those that are executed by themselves cost each", () => {
  const costs = createLiveCosts({ maxCost: 10 });
  const alone = { ...alike, key: null };
  const end = costs.take(alone);
  expect(() => costs.take(alone)).toThrow("more than 10");
  end();
  costs.take(alone)();
  expect(costs.scopes).toBe(0);
});

test("users, and what events come from, do not take from each other", () => {
  const costs = createLiveCosts({ maxCost: 10 });
  const ends = [alike, { ...alike, userId: "bob" }, { ...alike, scope: "another room" }].map((one) => costs.take(one));
  expect(costs.scopes).toBe(3);
  for (const end of ends) end();
  expect(costs.scopes).toBe(0);
});

test("what is given back is what was taken, though the texts of those that ask alike cost otherwise", () => {
  const costs = createLiveCosts({ maxCost: 10 });
  const [small, large] = [costs.take(alike), costs.take({ ...alike, cost: 1_000 })];
  small();
  large();
  expect(costs.scopes).toBe(0);
  costs.take({ ...alike, key: "another", cost: 10 });
  expect(() => costs.take({ ...alike, key: "otherwise", cost: 1 })).toThrow("more than 10");
});
