import { createHash } from "node:crypto";

/** Enough for 10 nodes to get within ±15 % of the same number of users. */
const pointsPerNode = 160;

/** A ring without nodes has nobody to send anybody to. */
export class NoLiveNode extends Error {
  override readonly name = "NoLiveNode";
}

/**
 * Consistent hashing (Karger et al., 1997): each node has 160 points on a ring of 64 bits, a key belongs to the node of the
 * next point. A node that is gone moves only its own keys. The same for every ring of the same nodes, in any order.
 */
export function createRing(nodeIds: readonly string[]) {
  const points = [...new Set(nodeIds)]
    .flatMap((nodeId) =>
      Array.from({ length: pointsPerNode }, (_, index) => ({ at: hash64(`${nodeId}#${index}`), nodeId })),
    )
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.nodeId < b.nodeId ? -1 : 1));

  /** @throws NoLiveNode */
  function nodeOf(key: string): string {
    if (points.length === 0) throw new NoLiveNode("No node is alive.");
    const at = hash64(key);
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]!.at < at) low = middle + 1;
      else high = middle;
    }
    // Past the last point the ring begins again.
    return points[low % points.length]!.nodeId;
  }

  return { nodeOf };
}

/** The first 64 bits of SHA-256. */
function hash64(text: string): bigint {
  return createHash("sha256").update(text).digest().readBigUInt64BE(0);
}
