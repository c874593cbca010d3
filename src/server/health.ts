import type { ServerResponse } from "node:http";
import { missingMigrations } from "../database/migrate.ts";
import type { Database } from "../database/pool.ts";
import type { Bus } from "../live/bus.ts";

export type Check = "ok" | "degraded" | "unavailable";
export type Readiness = { status: Check; checks: Record<string, Check> };
export type Health = { read: () => Promise<Readiness> };

/** Who asks gives up after a few seconds, and then knows nothing. */
const answerTimeoutMs = 2_000;

/**
 * Whether this node can serve. Without the database, or with one that lacks what this program needs, it cannot; without the
 * bus it can: what other nodes write is a few seconds late then. Those who ask at the same time share one look.
 */
export function createHealth({
  database,
  bus,
  replicas,
}: {
  database: Database;
  bus: Bus;
  replicas: { readonly up: number } | null;
}): Health {
  let looking: Promise<Readiness> | undefined;

  async function look(): Promise<Readiness> {
    const missing = await within(answerTimeoutMs, missingMigrations(database));
    const checks: Record<string, Check> = {
      database: missing === null ? "unavailable" : "ok",
      migrations: missing === null || missing.length > 0 ? "unavailable" : "ok",
      bus: bus.up ? "ok" : "degraded",
      ...(replicas && { replicas: replicas.up > 0 ? "ok" : "degraded" }),
    };
    const worst = (["unavailable", "degraded"] as const).find((state) => Object.values(checks).includes(state));
    return { status: worst ?? "ok", checks };
  }

  return { read: () => (looking ??= look().finally(() => (looking = undefined))) };
}

/** Null where it fails, or takes too long. */
async function within<Result>(limitMs: number, work: Promise<Result>): Promise<Result | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(() => resolve(null), limitMs)));
  const done = await Promise.race([work.catch(() => null), late]);
  clearTimeout(timer);
  return done;
}

export async function sendReadiness(health: Health, response: ServerResponse): Promise<void> {
  const readiness = await health.read();
  const status = readiness.status === "unavailable" ? 503 : 200;
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(readiness));
}
