import type { ServerResponse } from "node:http";
import type { Database } from "../database/pool.ts";
import type { Bus } from "../live/bus.ts";

export type Check = "ok" | "degraded" | "unavailable";
export type Readiness = { status: Check; checks: Record<string, Check> };
export type Health = { read: () => Promise<Readiness> };

/**
 * Whether this node can serve. Without the database it cannot; without the bus it can: what other nodes write is a few
 * seconds late then.
 */
export function createHealth({ database, bus }: { database: Database; bus: Bus }): Health {
  async function read(): Promise<Readiness> {
    const isUp = await database.query({ text: "select 1" }).then(
      () => true,
      () => false,
    );
    const checks: Record<string, Check> = { database: isUp ? "ok" : "unavailable", bus: bus.up ? "ok" : "degraded" };
    const worst = (["unavailable", "degraded"] as const).find((state) => Object.values(checks).includes(state));
    return { status: worst ?? "ok", checks };
  }

  return { read };
}

export async function sendReadiness(health: Health, response: ServerResponse): Promise<void> {
  const readiness = await health.read();
  const status = readiness.status === "unavailable" ? 503 : 200;
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(readiness));
}
