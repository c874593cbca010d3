import { describe, expect, it } from "vitest";
import { ConfigError, readConfig } from "./config.ts";

const secret = "0123456789abcdef0123456789abcdef";

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("defaults", () => {
  it("an empty environment is a whole configuration for trying the server out", () => {
    const { nodeId, ...config } = readConfig({});
    expect(nodeId).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
    expect(config).toEqual({
      production: false,
      port: 4000,
      host: "127.0.0.1",
      dataDir: ".data",
      databaseUrl: null,
      databaseReplicaUrls: [],
      redisUrl: null,
      authentication: { kind: "dev" },
      devLogin: true,
      allowedOrigins: [],
      allowLocalhostOrigins: true,
      publicUrl: null,
      trustedProxies: 0,
      logLevel: "info",
      maxSocketsPerUser: 20,
      maxSubscriptionsPerSocket: 100,
      maxRoomsPerUser: 1000,
      maxBufferedBytes: 1_048_576,
      rateLimits: true,
      introspection: true,
      persistedOperationsFile: null,
      operatorToken: null,
    });
  });

  it("two nodes without NODE_ID get different ones", () => {
    expect(readConfig({}).nodeId).not.toBe(readConfig({}).nodeId);
  });

  it("in production every interface is listened on, elsewhere only this machine's own", () => {
    expect(readConfig({ NODE_ENV: "production", JWT_SECRET: secret }).host).toBe("0.0.0.0");
    expect(readConfig({ JWT_SECRET: secret }).host).toBe("127.0.0.1");
    expect(readConfig({ HOST: "::" }).host).toBe("::");
  });

  it("an empty text counts as not set, and spaces around one do not count", () => {
    const config = readConfig({
      PORT: "",
      JWT_SECRET: "",
      DATABASE_URL: "  ",
      ALLOWED_ORIGINS: " , ",
      NODE_ID: " a1 ",
    });
    expect(config).toMatchObject({ port: 4000, devLogin: true, databaseUrl: null, allowedOrigins: [], nodeId: "a1" });
  });

  it("what is not a setting is passed over", () => {
    expect(problemsOf({ HOME: "/root", PGHOST: "elsewhere", MAX_SOCKETS: "many" })).toEqual([]);
  });

  it("a configuration cannot be changed", () => {
    const config = readConfig({ ALLOWED_ORIGINS: "https://chat.example" });
    for (const part of [config, config.authentication, config.allowedOrigins, config.databaseReplicaUrls])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe("values", () => {
  it("every setting is read", () => {
    const config = readConfig({
      NODE_ENV: "production",
      PORT: "0",
      HOST: "10.0.0.1",
      DATA_DIR: "/var/lib/causerie",
      DATABASE_URL: "postgres://chat:pw@db/chat",
      DATABASE_REPLICA_URLS: "postgres://r1/chat, postgresql://r2/chat",
      REDIS_URL: "rediss+cluster://a:7000,b:7000",
      JWT_JWKS_URL: "https://id.example/jwks?tenant=1",
      JWT_ISSUER: "https://id.example/",
      JWT_AUDIENCE: "chat",
      ALLOWED_ORIGINS: "https://Web.Example:443, capacitor://localhost,http://localhost:3000",
      NODE_ID: "node_1-a",
      PUBLIC_URL: "https://chat.example/base/",
      LOG_LEVEL: "DEBUG",
      MAX_SOCKETS_PER_USER: "1",
      MAX_SUBSCRIPTIONS_PER_SOCKET: "2",
      MAX_ROOMS_PER_USER: "3",
      MAX_BUFFERED_BYTES: "65536",
      TRUSTED_PROXIES: "2",
      RATE_LIMITS: "off",
      INTROSPECTION: "off",
      PERSISTED_OPERATIONS: "operations.json",
      OPERATOR_TOKEN: "abcdefghijklmnopqrstuvwxyz-._~+/0123456789",
      DEV_LOGIN: "off",
    });
    expect(config).toEqual({
      production: true,
      port: 0,
      host: "10.0.0.1",
      dataDir: "/var/lib/causerie",
      databaseUrl: "postgres://chat:pw@db/chat",
      databaseReplicaUrls: ["postgres://r1/chat", "postgresql://r2/chat"],
      redisUrl: "rediss+cluster://a:7000,b:7000",
      authentication: {
        kind: "jwks",
        url: "https://id.example/jwks?tenant=1",
        issuer: "https://id.example/",
        audience: "chat",
      },
      devLogin: false,
      allowedOrigins: ["https://chat.example", "https://web.example", "capacitor://localhost", "http://localhost:3000"],
      allowLocalhostOrigins: false,
      nodeId: "node_1-a",
      publicUrl: "https://chat.example/base",
      trustedProxies: 2,
      logLevel: "debug",
      maxSocketsPerUser: 1,
      maxSubscriptionsPerSocket: 2,
      maxRoomsPerUser: 3,
      maxBufferedBytes: 65_536,
      rateLimits: false,
      introspection: false,
      persistedOperationsFile: "operations.json",
      operatorToken: "abcdefghijklmnopqrstuvwxyz-._~+/0123456789",
    });
  });

  it("a secret is the bytes of its text, spaces included", () => {
    const { authentication } = readConfig({ JWT_SECRET: ` ${secret}é` });
    expect(authentication).toEqual({
      kind: "secret",
      secret: new TextEncoder().encode(` ${secret}é`),
      issuer: null,
      audience: null,
    });
  });

  it.each([
    ["PORT", ["-1", "65536", "4e3", "0x10", "4000.0", "http", "99999999999999999999"]],
    ["MAX_SOCKETS_PER_USER", ["0", "1 000", "Infinity"]],
    ["MAX_BUFFERED_BYTES", ["1", "1MiB"]],
    ["RATE_LIMITS", ["true", "0"]],
    ["INTROSPECTION", ["no"]],
    ["DEV_LOGIN", ["yes"]],
    ["LOG_LEVEL", ["verbose"]],
    ["NODE_ID", ["a b", "a.b", "é", "x".repeat(33)]],
    ["PUBLIC_URL", ["chat.example", "ftp://chat.example", "https://chat.example/?a=1", "https://u:p@chat.example"]],
    ["ALLOWED_ORIGINS", ["*", "https://*.example", "null", "https://chat.example/", "chat.example", "file://x"]],
    ["DATABASE_URL", ["mysql://db/chat", "db"]],
    ["REDIS_URL", ["http://redis", "redis:"]],
    ["JWT_JWKS_URL", ["id.example", "file:///etc/jwks.json", "https://u:p@id.example/jwks"]],
    ["OPERATOR_TOKEN", ["short", `${"x".repeat(40)} y`]],
  ])("%s takes none of %j", (name, values) => {
    for (const value of values) expect([value, problemsOf({ [name]: value })]).toEqual([value, [expect.any(String)]]);
    for (const value of values) expect(problemsOf({ [name]: value })[0]).toMatch(new RegExp(`^${name}: .*must be `));
  });
});

describe("contradictions", () => {
  it.each<[rule: string, setting: string, env: Record<string, string>]>([
    ["a secret is at least 32 bytes", "JWT_SECRET", { JWT_SECRET: secret.slice(1) }],
    ["a secret and a JWKS do not go together", "JWT_SECRET", { JWT_SECRET: secret, JWT_JWKS_URL: "https://a.example" }],
    ["the dev login does not go with a secret", "DEV_LOGIN", { DEV_LOGIN: "on", JWT_SECRET: secret }],
    ["the dev login does not go with a JWKS", "DEV_LOGIN", { DEV_LOGIN: "on", JWT_JWKS_URL: "https://a.example" }],
    ["the dev login does not go with an issuer", "DEV_LOGIN", { DEV_LOGIN: "on", JWT_ISSUER: "a" }],
    ["the dev login does not go with production", "DEV_LOGIN", { DEV_LOGIN: "on", NODE_ENV: "production" }],
    ["somebody must be able to sign in", "JWT_SECRET, JWT_JWKS_URL", { DEV_LOGIN: "off" }],
    ["production needs keys", "JWT_SECRET, JWT_JWKS_URL", { NODE_ENV: "production" }],
    ["an unknown NODE_ENV does not open the dev login", "JWT_SECRET, JWT_JWKS_URL", { NODE_ENV: "prod" }],
    ["an issuer alone verifies nothing", "JWT_ISSUER", { JWT_ISSUER: "a" }],
    ["replicas need a primary", "DATABASE_REPLICA_URLS", { DATABASE_REPLICA_URLS: "postgres://r/chat" }],
  ])("%s", (_rule, setting, env) => {
    expect(problemsOf(env)).toEqual([expect.stringMatching(new RegExp(`^${setting}: `))]);
  });

  it("the dev login can be asked for under another NODE_ENV", () => {
    expect(readConfig({ NODE_ENV: "demo", DEV_LOGIN: "on" }).devLogin).toBe(true);
  });

  it("given keys switch the dev login off, in development too", () => {
    expect(readConfig({ NODE_ENV: "development", JWT_SECRET: secret })).toMatchObject({
      devLogin: false,
      allowLocalhostOrigins: false,
    });
  });
});

describe("the error", () => {
  it("names all bad settings at once, with what they are and may be", () => {
    const problems = problemsOf({ PORT: "eighty", LOG_LEVEL: "loud", DATABASE_REPLICA_URLS: "postgres://r/chat" });
    expect(problems).toHaveLength(3);
    expect(problems).toContain('PORT: is "eighty", must be a whole number from 0 to 65535.');
    expect(() => readConfig({ PORT: "eighty", LOG_LEVEL: "loud" })).toThrow(/PORT: [\s\S]*LOG_LEVEL: /);
  });

  it("shows nothing of what may be secret", () => {
    const message = problemsOf({
      JWT_SECRET: "hush1",
      JWT_JWKS_URL: "https://user:hush2@id.example",
      DATABASE_URL: "mysql://user:hush3@db",
      DATABASE_REPLICA_URLS: "mysql://user:hush4@db",
      REDIS_URL: "http://:hush5@redis",
      OPERATOR_TOKEN: "hush6",
      PUBLIC_URL: "https://user:hush7@chat.example",
    }).join("\n");
    for (const name of ["JWT_SECRET", "JWT_JWKS_URL", "DATABASE_URL", "REPLICA", "REDIS_URL", "OPERATOR", "PUBLIC_URL"])
      expect(message).toContain(name);
    expect(message).not.toContain("hush");
  });

  it("is not made longer by a long value", () => {
    expect(problemsOf({ LOG_LEVEL: "x".repeat(10_000) })[0]!.length).toBeLessThan(200);
  });
});
