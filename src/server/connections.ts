/** A WebSocket or an event stream that is open for a user. */
export interface UserConnection {
  /** Ends it from this side. Its client may come back if its token still lets it in. */
  end(code: number, reason: string): void;
}

export type Connections = ReturnType<typeof createConnections>;

/** The open connections of each user on this node, sockets and event streams together. */
export function createConnections({ maxPerUser }: { maxPerUser: number }) {
  /** With the time of their opening, as `performance.now` tells it. */
  const byUser = new Map<string, Map<UserConnection, number>>();

  return {
    /** False where the user has as many as are allowed. */
    add(userId: string, connection: UserConnection): boolean {
      const open = byUser.get(userId);
      const nowMs = performance.now();
      if (open === undefined) byUser.set(userId, new Map([[connection, nowMs]]));
      else if (open.size < maxPerUser) open.set(connection, nowMs);
      else return false;
      return true;
    },

    delete(userId: string, connection: UserConnection): void {
      const open = byUser.get(userId);
      if (open?.delete(connection) && open.size === 0) byUser.delete(userId);
    },

    count(userId: string): number {
      return byUser.get(userId)?.size ?? 0;
    },

    /** Those who have some, at present. */
    get userIds(): string[] {
      return [...byUser.keys()];
    },

    /** Ends those of a user's connections that were opened before a time, as after a revocation. */
    endUser(
      userId: string,
      { code, reason, openedBeforeMs = Infinity }: { code: number; reason: string; openedBeforeMs?: number },
    ): void {
      for (const [connection, openedAtMs] of byUser.get(userId) ?? [])
        if (openedAtMs < openedBeforeMs) connection.end(code, reason);
    },
  };
}
