/** A WebSocket or an event stream that is open for a user. */
export interface UserConnection {
  /** Ends it from this side. Its client may come back if its token still lets it in. */
  end(code: number, reason: string): void;
}

export type Connections = ReturnType<typeof createConnections>;

/** The open connections of each user on this node, sockets and event streams together. */
export function createConnections({ maxPerUser }: { maxPerUser: number }) {
  const byUser = new Map<string, Set<UserConnection>>();

  return {
    /** False where the user has as many as are allowed. */
    add(userId: string, connection: UserConnection): boolean {
      const open = byUser.get(userId);
      if (open === undefined) byUser.set(userId, new Set([connection]));
      else if (open.size < maxPerUser) open.add(connection);
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

    /** Ends all of a user's connections, as after a revocation. */
    endUser(userId: string, { code, reason }: { code: number; reason: string }): void {
      for (const connection of byUser.get(userId) ?? []) connection.end(code, reason);
    },
  };
}
