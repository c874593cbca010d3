import { createHash } from "node:crypto";
import { SignJWT } from "jose";
import { pino } from "pino";
import { startApp, type App, type AppOptions } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { createTestDatabase } from "./postgres.ts";

export const testSecret = "a secret of the tests, long enough for HS256";

/** A token as an identity provider would give it. */
export function tokenOf(
  userId: string,
  claims: { name?: string; exp?: number; picture?: string } = {},
): Promise<string> {
  const { exp = Math.floor(Date.now() / 1000) + 3_600, ...rest } = claims;
  return new SignJWT({ name: userId, ...rest })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(userId)
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(testSecret));
}

export type TestApp = App & { readonly databaseUrl: string };

/** A server of its own on a free port, and unless given one a database of its own. */
export async function startTestApp({
  databaseUrl,
  env = {},
  ...options
}: { databaseUrl?: string; env?: Record<string, string> } & AppOptions = {}): Promise<TestApp> {
  const database = databaseUrl ? null : await createTestDatabase();
  const url = databaseUrl ?? database!.url;
  const config = readConfig({ PORT: "0", DATABASE_URL: url, JWT_SECRET: testSecret, RATE_LIMITS: "off", ...env });
  const app = await startApp(config, { log: pino({ level: process.env.TEST_LOG_LEVEL ?? "silent" }), ...options });
  const close = async () => {
    await app.close();
    await database?.close();
  };
  return Object.assign(Object.create(app) as App, { databaseUrl: url, close, [Symbol.asyncDispose]: close });
}

/** The same text for the same seed: a run that failed can be repeated. */
export function seedOf(name: string): number {
  const given = process.env.TEST_SEED;
  const seed = given ? Number(given) : createHash("sha256").update(`${name}${Date.now()}`).digest().readUInt32LE();
  console.log(`${name}: TEST_SEED=${seed}`);
  return seed;
}

/** Small and even enough for tests (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
