import fc from "fast-check";
import { expect, test } from "vitest";
import { createRing, NoLiveNode } from "./ring.ts";

const users = Array.from({ length: 100_000 }, (_, index) => `user-${index}`);
const nodes = Array.from({ length: 10 }, (_, index) => `node-${index}`);

test("100,000 users over 10 nodes are within ±15 % of even", () => {
  const ring = createRing(nodes);
  const counts = new Map(nodes.map((node) => [node, 0]));
  for (const user of users) counts.set(ring.nodeOf(user), counts.get(ring.nodeOf(user))! + 1);
  for (const count of counts.values()) {
    expect(count).toBeGreaterThan(8_500);
    expect(count).toBeLessThan(11_500);
  }
});

test("a node that is gone moves only its own users", () => {
  const before = createRing(nodes);
  for (const gone of nodes) {
    const after = createRing(nodes.filter((node) => node !== gone));
    for (const user of users.slice(0, 5_000)) {
      if (before.nodeOf(user) !== gone) expect(after.nodeOf(user)).toBe(before.nodeOf(user));
    }
  }
});

test("every key has a node, the same whatever the order in which the nodes are named", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 }), fc.string(), (ids, key) => {
      const node = createRing(ids).nodeOf(key);
      expect(ids).toContain(node);
      expect(createRing(ids.toReversed()).nodeOf(key)).toBe(node);
    }),
  );
});

test("an empty ring is an error", () => {
  expect(() => createRing([]).nodeOf("anybody")).toThrow(NoLiveNode);
});
