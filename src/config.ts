import { randomBytes } from "node:crypto";
import { createSettings, oneOf, urlOf, webBase, webOrigin, webUrl } from "./settings.ts";
import type { Environment, Form, Settings } from "./settings.ts";

/** What makes a token genuine. `dev`: it was signed by this server, for whoever asked (see `server/dev-login.ts`). */
export type AuthenticationConfig =
  | ({ readonly kind: "secret"; readonly secret: Uint8Array } & ExpectedClaims)
  | ({ readonly kind: "jwks"; readonly url: string } & ExpectedClaims)
  | { readonly kind: "dev" };

/** Null: not checked. */
export interface ExpectedClaims {
  readonly issuer: string | null;
  readonly audience: string | null;
}

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** Every setting, checked. Frozen; null means not set. */
export interface Config {
  readonly production: boolean;
  /** 0: any free one. */
  readonly port: number;
  readonly host: string;
  readonly dataDir: string;
  /** Null: the embedded Postgres. */
  readonly databaseUrl: string | null;
  readonly databaseReplicaUrls: readonly string[];
  /** Null: bus, presence and rate limits in this process. */
  readonly redisUrl: string | null;
  readonly authentication: AuthenticationConfig;
  readonly devLogin: boolean;
  /** In addition to the server's own origin; that of `publicUrl` included. As browsers write them, never a pattern. */
  readonly allowedOrigins: readonly string[];
  /** Pages of this machine, on any port, are let in too: a frontend's development server. */
  readonly allowLocalhostOrigins: boolean;
  /** 1 to 32 letters, digits, `_` and `-`: it ends the text of this node's clock readings. */
  readonly nodeId: string;
  /** Without a slash at its end. */
  readonly publicUrl: string | null;
  /** How many proxies of our own stand before the node: so many addresses of X-Forwarded-For are theirs to tell. 0: none. */
  readonly trustedProxies: number;
  readonly logLevel: LogLevel;
  readonly maxSocketsPerUser: number;
  readonly maxSubscriptionsPerSocket: number;
  readonly maxRoomsPerUser: number;
  /** Of one socket. */
  readonly maxBufferedBytes: number;
  readonly rateLimits: boolean;
  readonly introspection: boolean;
  readonly persistedOperationsFile: string | null;
  readonly operatorToken: string | null;
}

/** Names every bad setting at once. Holds no value of a setting that may be secret. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  /** One line each: the setting, what is wrong, what is allowed. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(["The settings are not right:", ...problems.map((problem) => `  ${problem}`)].join("\n"));
    this.problems = problems;
  }
}

const mebibyteBytes = 1024 * 1024;
/** HS256 asks for a key at least as long as its hash (RFC 7518, 3.2). */
const minSecretBytes = 32;

const nodeIdForm: Form<string> = {
  parse: (value) => (/^[A-Za-z0-9_-]{1,32}$/.test(value) ? value : null),
  allowed: "1 to 32 letters, digits, _ and -",
};
/** What a `Bearer` header can carry (RFC 6750, 2.1), and too long to guess. */
const operatorTokenForm: Form<string> = {
  parse: (value) => (/^[\w.~+/-]{32,}=*$/.test(value) ? value : null),
  allowed: "at least 32 letters, digits and -._~+/ (openssl rand -hex 32)",
  hidden: true,
};
const postgresUrl = urlOf(["postgres", "postgresql"]);
const redisUrl = urlOf(["redis", "rediss", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster"]);

/**
 * Reads the environment and nothing else: no file, no network. What is not a setting is passed over.
 * Throws a `ConfigError` that names everything that is wrong or contradicts something else.
 */
export function readConfig(env: Environment = process.env): Config {
  const settings = createSettings(env);
  const production = isProduction(settings);
  const authentication = readAuthentication(settings, env["JWT_SECRET"] ?? "");
  const config: Config = {
    production,
    port: settings.integer("PORT", { fallback: 4000, min: 0, max: 65_535 }),
    // Whoever tries the server out, with a sign-in that asks for no password, shows it to nobody else by accident.
    host: settings.text("HOST") ?? (production ? "0.0.0.0" : "127.0.0.1"),
    dataDir: settings.text("DATA_DIR") ?? ".data",
    ...readBackends(settings),
    authentication,
    devLogin: authentication.kind === "dev",
    ...readAddresses(settings, authentication.kind === "dev"),
    nodeId: settings.value("NODE_ID", nodeIdForm) ?? randomBytes(5).toString("hex"),
    logLevel: settings.value("LOG_LEVEL", oneOf(logLevels)) ?? "info",
    ...readLimits(settings),
    introspection: settings.isOn("INTROSPECTION", true),
    persistedOperationsFile: settings.text("PERSISTED_OPERATIONS"),
    operatorToken: settings.value("OPERATOR_TOKEN", operatorTokenForm),
  };
  if (settings.problems.length > 0) throw new ConfigError(settings.problems);
  for (const part of [config.authentication, config.allowedOrigins, config.databaseReplicaUrls]) Object.freeze(part);
  return Object.freeze(config);
}

const isProduction = (settings: Settings) => settings.text("NODE_ENV")?.toLowerCase() === "production";

function readBackends(settings: Settings) {
  const databaseReplicaUrls = settings.list("DATABASE_REPLICA_URLS", postgresUrl);
  if (settings.text("DATABASE_REPLICA_URLS") !== null && settings.text("DATABASE_URL") === null)
    settings.problem("DATABASE_REPLICA_URLS", "needs DATABASE_URL: the embedded database has no replicas");
  return {
    databaseUrl: settings.value("DATABASE_URL", postgresUrl),
    databaseReplicaUrls,
    redisUrl: settings.value("REDIS_URL", redisUrl),
  };
}

function readAddresses(settings: Settings, devLogin: boolean) {
  const publicUrl = settings.value("PUBLIC_URL", webBase);
  const origins = settings.list("ALLOWED_ORIGINS", webOrigin);
  const own = publicUrl === null ? [] : [new URL(publicUrl).origin];
  return {
    publicUrl,
    trustedProxies: settings.integer("TRUSTED_PROXIES", { fallback: 0, min: 0, max: 10 }),
    allowedOrigins: [...new Set([...own, ...origins])],
    allowLocalhostOrigins: devLogin && origins.length === 0,
  };
}

function readLimits(settings: Settings) {
  return {
    rateLimits: settings.isOn("RATE_LIMITS", true),
    maxSocketsPerUser: settings.integer("MAX_SOCKETS_PER_USER", { fallback: 20, min: 1, max: 10_000 }),
    maxSubscriptionsPerSocket: settings.integer("MAX_SUBSCRIPTIONS_PER_SOCKET", { fallback: 100, min: 1, max: 10_000 }),
    maxRoomsPerUser: settings.integer("MAX_ROOMS_PER_USER", { fallback: 1000, min: 1, max: 100_000 }),
    // At the least, the largest message fits.
    maxBufferedBytes: settings.integer("MAX_BUFFERED_BYTES", {
      fallback: mebibyteBytes,
      min: mebibyteBytes / 16,
      max: 1024 * mebibyteBytes,
    }),
  };
}

/** The secret is taken as it is, spaces included: it is a key, not a text. */
function readAuthentication(settings: Settings, rawSecret: string): AuthenticationConfig {
  const secret = settings.text("JWT_SECRET") === null ? null : new TextEncoder().encode(rawSecret);
  if (secret !== null && secret.length < minSecretBytes)
    settings.problem("JWT_SECRET", `is too short, must be at least ${minSecretBytes} bytes (openssl rand -base64 32)`);
  const url = settings.value("JWT_JWKS_URL", webUrl);
  const claims = { issuer: settings.text("JWT_ISSUER"), audience: settings.text("JWT_AUDIENCE") };
  checkSignIn(settings);
  if (secret !== null) return { kind: "secret", secret, ...claims };
  return url === null ? { kind: "dev" } : { kind: "jwks", url, ...claims };
}

/** There is exactly one way to sign in, and the dev login is it only where nothing says otherwise. */
function checkSignIn(settings: Settings): void {
  const given = ["JWT_SECRET", "JWT_JWKS_URL", "JWT_ISSUER", "JWT_AUDIENCE"].filter((name) => settings.text(name));
  const hasKeys = given.includes("JWT_SECRET") || given.includes("JWT_JWKS_URL");
  // Not by default under a name that we do not know, `prod` say: a slip must not open the door.
  const isDevelopment = ["development", "test", undefined].includes(settings.text("NODE_ENV")?.toLowerCase());
  const devLogin = settings.isOn("DEV_LOGIN", given.length === 0 && isDevelopment);

  if (devLogin && isProduction(settings))
    settings.problem("DEV_LOGIN", "is on, must be off with NODE_ENV=production: anybody could sign in as anybody");
  if (devLogin && given.length > 0)
    settings.problem("DEV_LOGIN", `is on together with ${given.join(", ")}, must be one or the other`);
  if (given.includes("JWT_SECRET") && given.includes("JWT_JWKS_URL"))
    settings.problem("JWT_SECRET", "is set together with JWT_JWKS_URL, must be one or the other");
  if (devLogin || hasKeys) return;
  if (given.length > 0) settings.problem(given.join(", "), "needs JWT_SECRET or JWT_JWKS_URL");
  else settings.problem("JWT_SECRET, JWT_JWKS_URL", "one must be set: nobody could sign in (DEV_LOGIN is off)");
}
