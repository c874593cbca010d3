import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { JWK } from "jose";
import { afterEach, beforeEach, expect, it } from "vitest";
import { createAuthentication } from "./authentication.ts";
import { KeysUnavailable } from "./jwks-keys.ts";

type Algorithm = "RS256" | "ES256" | "EdDSA";

const startMs = Date.parse("2026-01-01T00:00:00Z");
let nowMs = startMs;
let issuer: Awaited<ReturnType<typeof startIssuer>>;
beforeEach(async () => {
  nowMs = startMs;
  issuer = await startIssuer();
});
afterEach(async () => {
  await issuer.stop();
});

/** An identity provider: publishes what is in `published`, counts who asks, is down or silent on request. */
async function startIssuer() {
  const state = { published: [] as JWK[], fetches: 0, status: 200, body: null as string | null };
  const server = createServer((_request, response) => {
    state.fetches++;
    response.writeHead(state.status, { "content-type": "application/json" });
    response.end(state.body ?? JSON.stringify({ keys: state.published }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return Object.assign(state, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
    async stop() {
      server.closeAllConnections();
      if (server.listening) await new Promise((done) => server.close(done));
    },
  });
}

async function makeKey(kid: string, alg: Algorithm = "ES256") {
  const pair = await generateKeyPair(alg, { extractable: true });
  let tokens = 0;
  return {
    jwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: "sig" },
    /** A new one each time, so that none is answered from memory. */
    token: () =>
      new SignJWT({ sub: "alice", jti: `${tokens++}` })
        .setProtectedHeader({ alg, kid })
        .setExpirationTime("9999 days")
        .sign(pair.privateKey),
  };
}

function open() {
  const warnings: object[] = [];
  const authentication = createAuthentication(
    { kind: "jwks", url: issuer.url, issuer: null, audience: null },
    { now: () => new Date(nowMs), log: { debug: () => {}, warn: (fields: object) => void warnings.push(fields) } },
  );
  const verify = async (token: string | Promise<string>) => await authentication.verify(await token);
  return { verify, warnings };
}

it.each<Algorithm>(["RS256", "ES256", "EdDSA"])("a key set verifies tokens of %s", async (alg) => {
  const key = await makeKey("one", alg);
  issuer.published = [key.jwk];
  expect(await open().verify(key.token())).toMatchObject({ userId: "alice" });
});

it("a key of the set verifies no token of another key with its id", async () => {
  const [genuine, evil] = [await makeKey("one"), await makeKey("one")];
  issuer.published = [genuine.jwk];
  await expect(open().verify(evil.token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

it("many tokens at once, before there are keys, lead to one fetch", async () => {
  const key = await makeKey("one");
  issuer.published = [key.jwk];
  const { verify } = open();
  await Promise.all(Array.from({ length: 50 }, () => verify(key.token())));
  expect(issuer.fetches).toBe(1);
});

it("an unknown key id leads to a fetch, so that a rotation needs no restart", async () => {
  const [old, next] = [await makeKey("old"), await makeKey("next")];
  issuer.published = [old.jwk];
  const { verify } = open();
  await verify(old.token());
  issuer.published = [next.jwk];
  nowMs += 30_000;
  expect(await verify(next.token())).toMatchObject({ userId: "alice" });
  await expect(verify(old.token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  expect(issuer.fetches).toBe(2);
});

it("unknown key ids lead to no more than one fetch in 30 s", async () => {
  const [known, unknown] = [await makeKey("known"), await makeKey("unknown")];
  issuer.published = [known.jwk];
  const { verify } = open();
  const refused = () => expect(verify(unknown.token())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  await verify(known.token());
  nowMs += 29_999;
  for (let tries = 0; tries < 5; tries++) await refused();
  expect(issuer.fetches).toBe(1);
  nowMs += 1;
  await Promise.all(Array.from({ length: 20 }, refused));
  expect(issuer.fetches).toBe(2);
  nowMs += 29_999;
  await refused();
  expect(issuer.fetches).toBe(2);
  await verify(known.token());
});

it("a token of a wrong algorithm leads to no fetch", async () => {
  const token = new SignJWT({ sub: "a" }).setProtectedHeader({ alg: "HS256", kid: "k" }).setExpirationTime("1 day");
  await expect(open().verify(token.sign(new Uint8Array(32)))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  expect(issuer.fetches).toBe(0);
});

it("while the issuer is down the keys at hand go on counting, and an unknown id is a fault, not a refusal", async () => {
  const [known, unknown] = [await makeKey("known"), await makeKey("unknown")];
  issuer.published = [known.jwk];
  const { verify, warnings } = open();
  await verify(known.token());
  issuer.status = 503;
  nowMs += 30_000;
  await expect(verify(unknown.token())).rejects.toBeInstanceOf(KeysUnavailable);
  // The cool-down holds after a failure too.
  await expect(verify(unknown.token())).rejects.toBeInstanceOf(KeysUnavailable);
  expect(issuer.fetches).toBe(2);
  expect(warnings).toHaveLength(1);
  nowMs += 3_600_000;
  expect(await verify(known.token())).toMatchObject({ userId: "alice" });
  issuer.status = 200;
  issuer.published = [unknown.jwk];
  nowMs += 30_000;
  expect(await verify(unknown.token())).toMatchObject({ userId: "alice" });
});

it("an issuer that is down at first is asked again a second later", async () => {
  const key = await makeKey("one");
  issuer.status = 500;
  const { verify } = open();
  await expect(verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
  await expect(verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
  expect(issuer.fetches).toBe(1);
  issuer.status = 200;
  issuer.published = [key.jwk];
  nowMs += 1000;
  expect(await verify(key.token())).toMatchObject({ userId: "alice" });
});

it.each(["not JSON", "{}", '{"keys": [1]}', "[]"])("an answer of %j is a fault and replaces no keys", async (body) => {
  const key = await makeKey("one");
  issuer.published = [key.jwk];
  const { verify } = open();
  await verify(key.token());
  issuer.body = body;
  nowMs += 30_000;
  await expect(verify((await makeKey("two")).token())).rejects.toBeInstanceOf(KeysUnavailable);
  expect(await verify(key.token())).toMatchObject({ userId: "alice" });
});

it("a port on which nobody listens is a fault", async () => {
  await issuer.stop();
  await expect(open().verify((await makeKey("one")).token())).rejects.toBeInstanceOf(KeysUnavailable);
});

it("a private key in the set is the issuer's mistake, not the token's, and verifies nothing", async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  issuer.published = [{ ...(await exportJWK(pair.privateKey)), kid: "one" }];
  const token = new SignJWT({ sub: "a" })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setExpirationTime("9999 days");
  await expect(open().verify(token.sign(pair.privateKey))).rejects.toBeInstanceOf(KeysUnavailable);
});

it("a key that was withdrawn stops counting once the set is ten minutes old and was fetched anew", async () => {
  const [withdrawn, kept] = [await makeKey("withdrawn"), await makeKey("kept")];
  issuer.published = [withdrawn.jwk, kept.jwk];
  const { verify } = open();
  await verify(withdrawn.token());
  issuer.published = [kept.jwk];
  nowMs += 600_000;
  // Still verified with the keys at hand, so that nobody waits; the fetch goes on behind it.
  await verify(withdrawn.token());
  await expect
    .poll(async () => await verify(withdrawn.token()).catch((error: unknown) => error))
    .toMatchObject({ code: "UNAUTHENTICATED" });
  expect(issuer.fetches).toBe(2);
});

it("keys that could not be confirmed for a day count no longer", async () => {
  const key = await makeKey("one");
  issuer.published = [key.jwk];
  const { verify } = open();
  await verify(key.token());
  issuer.status = 503;
  nowMs += 86_400_000 - 1;
  expect(await verify(key.token())).toMatchObject({ userId: "alice" });
  nowMs += 30_001;
  await expect(verify(key.token())).rejects.toBeInstanceOf(KeysUnavailable);
});
