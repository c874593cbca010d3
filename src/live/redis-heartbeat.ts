import { setImmediate } from "node:timers/promises";
import type { Redis } from "ioredis";

/**
 * Finds connections that look open while nothing comes through any more (a half-open connection, a Redis that hangs): asks
 * each one every `intervalMs`, and hands those to `onDead` from which nothing at all came within the connection's
 * `commandTimeout`. Returns how to stop.
 */
export function keepHeartbeat(options: {
  connections: () => Redis[];
  intervalMs: number;
  onDead: (connection: Redis, error: unknown) => void;
}): () => void {
  const asked = new WeakSet<Redis>();
  const timer = setInterval(() => {
    for (const connection of options.connections()) {
      if (connection.status === "ready" && !asked.has(connection)) void ask(connection);
    }
  }, options.intervalMs);

  async function ask(connection: Redis): Promise<void> {
    const { stream } = connection;
    const bytesBefore = stream.bytesRead;
    asked.add(connection);
    try {
      await connection.ping("");
    } catch (error) {
      // When this process itself stood still, its timers fire before it reads what has come meanwhile: read, then judge.
      await setImmediate();
      if (connection.stream === stream && stream.bytesRead === bytesBefore) options.onDead(connection, error);
    } finally {
      asked.delete(connection);
    }
  }

  return () => clearInterval(timer);
}
