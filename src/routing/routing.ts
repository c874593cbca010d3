import { createRing } from "./ring.ts";

export type Node = { nodeId: string; /** Where clients reach it; null where it did not say. */ url: string | null };
export type Endpoint = {
  nodeId: string;
  url: string;
  /** Whether a node said so itself; otherwise it is where this one listens. */ isAdvertised: boolean;
};
export type Routing = ReturnType<typeof createRouting>;

/** Sends each user to one of the live nodes, always the same as long as the nodes are. */
export function createRouting({ own, liveNodes }: { own: () => Endpoint; liveNodes: () => readonly Node[] }) {
  let known = "";
  let ring = createRing([]);

  /** A node that tells nobody where it is gets nobody sent to it; where there is no other, this one serves. */
  function endpointOf(userId: string): Endpoint {
    const here = own();
    const urls = new Map(liveNodes().flatMap(({ nodeId, url }) => (url === null ? [] : [[nodeId, url] as const])));
    if (urls.size === 0) return here;
    const names = [...urls.keys()].sort();
    if (names.join("\n") !== known) {
      known = names.join("\n");
      ring = createRing(names);
    }
    const nodeId = ring.nodeOf(userId);
    return { nodeId, url: urls.get(nodeId)!, isAdvertised: true };
  }

  return { endpointOf };
}
