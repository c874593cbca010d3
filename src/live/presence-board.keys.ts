/**
 * Users live in this many buckets. Each is one slot of a Redis Cluster, and so is everything one operation touches. Nodes
 * that differ in this number do not see each other's users.
 */
export const bucketCount = 64;

/** FNV-1a in 32 bits, over UTF-16 code units. */
export function bucketOf(userId: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < userId.length; at += 1) hash = Math.imul(hash ^ userId.charCodeAt(at), 0x01000193);
  // The low bits alone are the weakest.
  return ((hash >>> 16) ^ hash) & (bucketCount - 1);
}

const nameOf = (bucket: number) => String(bucket).padStart(2, "0");
const tagOf = (bucket: number) => `causerie:{p:${nameOf(bucket)}}`;

/** Of all nodes, small: one entry a node. */
export const leaseKeys = {
  leases: "causerie:{presence}:leases",
  nodes: "causerie:{presence}:nodes",
  claims: "causerie:{presence}:claims",
};
/** In the order in which the scripts take them. */
export const allLeaseKeys = [leaseKeys.leases, leaseKeys.nodes, leaseKeys.claims];

export const bucketKeys = {
  version: (bucket: number) => `${tagOf(bucket)}:version`,
  epochs: (bucket: number) => `${tagOf(bucket)}:epochs`,
  sessions: (bucket: number, epoch: string) => `${tagOf(bucket)}:sessions:${epoch}`,
  writes: (bucket: number, epoch: string) => `${tagOf(bucket)}:writes:${epoch}`,
  user: (bucket: number, userId: string) => `${tagOf(bucket)}:user:${userId}`,
};

/** Where the bucket's changes are announced. */
export const channelOf = (bucket: number) => `presence.${nameOf(bucket)}`;
