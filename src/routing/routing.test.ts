import { expect, test } from "vitest";
import { createRouting, type Node } from "./routing.ts";

const own = { nodeId: "here", url: "ws://here/graphql", isAdvertised: false };

test("a user is sent to the same node by every node, and to another only when that one is gone", () => {
  let nodes: Node[] = ["a", "b", "c"].map((nodeId) => ({ nodeId, url: `ws://${nodeId}/graphql` }));
  const routing = createRouting({ own: () => own, liveNodes: () => nodes });
  const first = routing.endpointOf("alice");
  expect(createRouting({ own: () => own, liveNodes: () => nodes.toReversed() }).endpointOf("alice")).toEqual(first);
  expect(first.isAdvertised).toBe(true);
  nodes = nodes.filter(({ nodeId }) => nodeId !== first.nodeId);
  const second = routing.endpointOf("alice");
  expect(second.nodeId).not.toBe(first.nodeId);
  expect(second.url).toBe(`ws://${second.nodeId}/graphql`);
});

test("where no node says where it is, this one serves", () => {
  const routing = createRouting({ own: () => own, liveNodes: () => [{ nodeId: "a", url: null }] });
  expect(routing.endpointOf("alice")).toEqual(own);
});
