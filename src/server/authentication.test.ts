import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { SignJWT, UnsecuredJWT, exportJWK, exportSPKI, generateKeyPair } from "jose";
import type { JWTPayload } from "jose";
import { beforeEach, describe, expect, it } from "vitest";
import { Refusal } from "../errors.ts";
import { bearer, createAuthentication } from "./authentication.ts";
import type { AuthenticationSettings } from "./authentication.ts";

const text = (value: string) => new TextEncoder().encode(value);
const secret = text("a secret of more than thirty-two bytes");
const secretSettings: AuthenticationSettings = { kind: "secret", secret, issuer: null, audience: null };
const startMs = Date.parse("2026-01-01T00:00:00Z");
const startS = startMs / 1000;

let nowMs = startMs;
let logged: object[] = [];
beforeEach(() => {
  nowMs = startMs;
  logged = [];
});

const keepLog = (fields: object) => void logged.push(fields);
const authenticationOf = (settings: AuthenticationSettings) =>
  createAuthentication(settings, { now: () => new Date(nowMs), log: { debug: keepLog, warn: keepLog } });

const sign = (claims: JWTPayload = {}, header: { alg?: string; crit?: string[]; b64?: true } = {}, key = secret) =>
  new SignJWT({ sub: "alice", exp: startS + 3600, ...claims })
    .setProtectedHeader({ alg: "HS256", ...header })
    .sign(key);

const base64url = (value: string) => Buffer.from(value).toString("base64url");

/** By hand, for what a library would not write. */
function signByHand(header: object, payload: string): string {
  const input = `${base64url(JSON.stringify(header))}.${base64url(payload)}`;
  return `${input}.${createHmac("sha256", secret).update(input).digest("base64url")}`;
}

async function expectRefused(token: string, settings: AuthenticationSettings = secretSettings) {
  const refusal = await Promise.resolve(authenticationOf(settings).verify(token)).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(refusal).toMatchObject({ code: "UNAUTHENTICATED", message: "Sign in first." });
  expect(logged).toEqual([{ code: expect.any(String), reason: expect.any(String) }]);
  const written = JSON.stringify(logged);
  for (const part of token.split(".").filter(({ length }) => length > 3)) expect(written).not.toContain(part);
}

describe("a token of the shared secret", () => {
  it("says who comes, with profile, until when", async () => {
    const token = await sign({ name: " Alice ", picture: "https://a.example/a b.png" });
    expect(await authenticationOf(secretSettings).verify(token)).toEqual({
      userId: "alice",
      name: "Alice",
      avatarUrl: "https://a.example/a%20b.png",
      expiresAt: new Date((startS + 3600) * 1000),
    });
  });

  it("counts as issued by the dev login too, with its key", async () => {
    const identity = await authenticationOf({ kind: "dev", secret }).verify(await sign());
    expect(identity.userId).toBe("alice");
  });

  it.each([
    ["signed with another key", () => sign({}, {}, text("another secret of more than 32 bytes!"))],
    ["signed with another algorithm", () => sign({}, { alg: "HS512" })],
    [
      "with `crit` for something unknown",
      () => signByHand({ alg: "HS256", crit: ["x"], x: 1 }, `{"sub":"a","exp":9e9}`),
    ],
    ["with `crit` for something that the library knows", () => sign({}, { crit: ["b64"], b64: true })],
    ["not valid yet", () => sign({ nbf: startS + 6 })],
    ["expired this very instant", () => sign({ exp: startS })],
    ["without exp", () => sign({ exp: undefined })],
    ["with a text as exp", () => signByHand({ alg: "HS256" }, `{"sub":"a","exp":"9000000000"}`)],
    ["with null as exp", () => signByHand({ alg: "HS256" }, `{"sub":"a","exp":null}`)],
    ["without sub", () => sign({ sub: undefined })],
    ["with an empty sub", () => sign({ sub: "" })],
    ["with a sub of 256 characters", () => sign({ sub: "x".repeat(256) })],
    ["with NUL in sub", () => sign({ sub: "a\0" })],
    ["with a line break in sub", () => sign({ sub: "a\nb" })],
    ["with half a surrogate pair in sub", () => signByHand({ alg: "HS256" }, String.raw`{"sub":"a\ud800","exp":9e9}`)],
    ["with a number as sub", () => signByHand({ alg: "HS256" }, `{"sub":7,"exp":9e9}`)],
    ["whose payload is no object", () => signByHand({ alg: "HS256" }, `[]`)],
    ["of 16 KiB", () => sign({ more: "x".repeat(16_384) })],
    ["that is not one", () => "abc"],
    ["that is empty", () => ""],
    ["that is an encrypted one", () => "a.b.c.d.e"],
  ])("%s is refused", async (_rule, make) => {
    await expectRefused(await make());
  });

  it("changed in any one character is refused", async () => {
    const token = await sign();
    const authentication = authenticationOf(secretSettings);
    await authentication.verify(token);
    for (let place = 0; place < token.length - 1; place += 7) {
      const changed = token.slice(0, place) + (token[place] === "A" ? "B" : "A") + token.slice(place + 1);
      await expect((async () => await authentication.verify(changed))()).rejects.toMatchObject({
        code: "UNAUTHENTICATED",
      });
    }
  });

  it("unsigned (`alg: none`) is refused, however it is spelt", async () => {
    await expectRefused(new UnsecuredJWT({ sub: "alice" }).setExpirationTime("9999 days").encode());
    for (const alg of ["none", "None", "NONE", ""]) {
      logged = [];
      await expectRefused(`${base64url(JSON.stringify({ alg }))}.${base64url(`{"sub":"a","exp":9e9}`)}.`);
    }
  });

  it("may be 5 s early, since the issuer's clock may be ahead", async () => {
    expect(await authenticationOf(secretSettings).verify(await sign({ nbf: startS + 5 }))).toBeTruthy();
  });

  it("may have a sub of 255 characters outside the basic plane", async () => {
    const sub = "🦊".repeat(255);
    expect((await authenticationOf(secretSettings).verify(await sign({ sub }))).userId).toBe(sub);
  });

  it("that never expires as far as numbers go has the last date there is", async () => {
    const token = signByHand({ alg: "HS256" }, `{"sub":"a","exp":1e999}`);
    expect((await authenticationOf(secretSettings).verify(token)).expiresAt.getTime()).toBe(8.64e15);
  });
});

describe("claims that are asked for", () => {
  const settings = { ...secretSettings, issuer: "https://id.example", audience: "chat" };

  it("are checked", async () => {
    const authentication = authenticationOf(settings);
    expect(await authentication.verify(await sign({ iss: "https://id.example", aud: "chat" }))).toBeTruthy();
    expect(await authentication.verify(await sign({ iss: "https://id.example", aud: ["x", "chat"] }))).toBeTruthy();
  });

  it.each([
    ["another issuer", { iss: "https://evil.example", aud: "chat" }],
    ["no issuer", { aud: "chat" }],
    ["another audience", { iss: "https://id.example", aud: "shop" }],
    ["an audience that only begins alike", { iss: "https://id.example", aud: ["chat2", "cha"] }],
    ["no audience", { iss: "https://id.example" }],
  ])("a token with %s is refused", async (_rule, claims) => {
    await expectRefused(await sign(claims), settings);
  });
});

describe("a profile", () => {
  it.each([
    ["x".repeat(200), "x".repeat(200)],
    ["x".repeat(201), null],
    ["   ", null],
    ["a\u0007", null],
    [7, null],
  ])("with the name %j has the name %j", async (name, expected) => {
    expect((await authenticationOf(secretSettings).verify(await sign({ name }))).name).toBe(expected);
  });

  it.each([
    ["http://a.example/a.png", "http://a.example/a.png"],
    ['https://a.example/"><script>', "https://a.example/%22%3E%3Cscript%3E"],
    ["javascript:alert(1)", null],
    ["data:image/png;base64,AAAA", null],
    ["/a.png", null],
    [`https://a.example/${"x".repeat(2048)}`, null],
    [`https://a.example/${"é".repeat(1000)}`, null],
    [{}, null],
  ])("with the picture %j has %j", async (picture, expected) => {
    expect((await authenticationOf(secretSettings).verify(await sign({ picture }))).avatarUrl).toBe(expected);
  });

  it("with half a surrogate pair in its name has no name", async () => {
    const token = signByHand({ alg: "HS256" }, String.raw`{"sub":"a","exp":9e9,"name":"\udc00"}`);
    expect((await authenticationOf(secretSettings).verify(token)).name).toBeNull();
  });
});

describe("a key set", () => {
  it("does not lend its public keys as secrets (RS/HS confusion)", async () => {
    const pair = await generateKeyPair("RS256", { extractable: true });
    const jwk = { ...(await exportJWK(pair.publicKey)), kid: "k" };
    const url = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [jwk] }))}`;
    const settings: AuthenticationSettings = { kind: "jwks", url, issuer: null, audience: null };
    const genuine = await new SignJWT({ sub: "alice", exp: startS + 60 })
      .setProtectedHeader({ alg: "RS256", kid: "k" })
      .sign(pair.privateKey);
    expect((await authenticationOf(settings).verify(genuine)).userId).toBe("alice");

    const pem = await exportSPKI(pair.publicKey);
    for (const key of [
      pem,
      pem.trim(),
      JSON.stringify(jwk),
      Buffer.from(jwk.n ?? "", "base64url").toString("latin1"),
    ]) {
      const forged = new SignJWT({ sub: "alice", exp: startS + 60 }).setProtectedHeader({ alg: "HS256", kid: "k" });
      logged = [];
      await expectRefused(await forged.sign(text(key)), settings);
    }
  });

  it("is not taken for a secret: a token of the secret is refused where keys are asked for, and the other way", async () => {
    const pair = await generateKeyPair("ES256");
    const ours = await new SignJWT({ sub: "alice", exp: startS + 60 })
      .setProtectedHeader({ alg: "ES256" })
      .sign(pair.privateKey);
    await expectRefused(ours);
    logged = [];
    const url = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [] }))}`;
    await expectRefused(await sign(), { kind: "jwks", url, issuer: null, audience: null });
  });

  it("is the server's own: a key or an address that a token brings along counts for nothing", async () => {
    const evil = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(evil.publicKey);
    const url = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [] }))}`;
    const jku = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [jwk] }))}`;
    const token = await new SignJWT({ sub: "alice", exp: startS + 60 })
      .setProtectedHeader({ alg: "ES256", jwk, jku, x5u: jku })
      .sign(evil.privateKey);
    await expectRefused(token, { kind: "jwks", url, issuer: null, audience: null });
  });
});

describe("whatever header and payload a token has", () => {
  const names = ["alg", "kid", "typ", "cty", "zip", "b64", "crit", "jwk", "jku", "x5c", "x5t", "enc", "__proto__"];
  const header = fc.dictionary(fc.constantFrom(...names), fc.jsonValue());
  const payload = fc.dictionary(
    fc.constantFrom("sub", "exp", "nbf", "iat", "iss", "aud", "name", "picture"),
    fc.jsonValue(),
  );

  /** Faults are ours: no token may cause one. */
  async function expectNoFault(
    settings: AuthenticationSettings,
    makeToken: (header: object, payload: object) => string,
  ) {
    const authentication = authenticationOf(settings);
    const property = fc.asyncProperty(header, payload, async (anyHeader, anyPayload) => {
      const token = makeToken(anyHeader, anyPayload);
      const answer = await (async () => await authentication.verify(token))().catch((error: unknown) => error);
      if (answer instanceof Error) expect(answer).toMatchObject({ name: "Refusal", code: "UNAUTHENTICATED" });
    });
    await fc.assert(property, { numRuns: 500 });
  }

  it("it is taken or refused, with a secret", async () => {
    await expectNoFault(secretSettings, (anyHeader, anyPayload) =>
      signByHand({ ...anyHeader, alg: "HS256" }, JSON.stringify({ sub: "a", exp: startS + 60, ...anyPayload })),
    );
  });

  it("it is taken or refused, with a key set", async () => {
    const key = await exportJWK((await generateKeyPair("ES256", { extractable: true })).publicKey);
    const url = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [key] }))}`;
    await expectNoFault({ kind: "jwks", url, issuer: null, audience: null }, (anyHeader, anyPayload) =>
      signByHand({ alg: "ES256", ...anyHeader }, JSON.stringify(anyPayload)),
    );
  });
});

describe("a token that was verified", () => {
  it("is answered at once the next time, with the same identity", async () => {
    const authentication = authenticationOf(secretSettings);
    const token = await sign();
    const first = authentication.verify(token);
    expect(first).toBeInstanceOf(Promise);
    const identity = await first;
    expect(authentication.verify(token)).toBe(identity);
    expect(Object.isFrozen(identity)).toBe(true);
  });

  it("is refused at the instant at which it expires, though it was answered at once just before", async () => {
    const authentication = authenticationOf(secretSettings);
    const token = await sign({ exp: startS + 30 });
    await authentication.verify(token);
    nowMs = startMs + 29_999;
    expect(authentication.verify(token)).not.toBeInstanceOf(Promise);
    nowMs = startMs + 30_000;
    await expect(authentication.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("is verified anew after a minute", async () => {
    const authentication = authenticationOf(secretSettings);
    const token = await sign();
    await authentication.verify(token);
    nowMs = startMs + 59_999;
    expect(authentication.verify(token)).not.toBeInstanceOf(Promise);
    nowMs = startMs + 60_000;
    const anew = authentication.verify(token);
    expect(anew).toBeInstanceOf(Promise);
    expect(await anew).toMatchObject({ userId: "alice" });
  });

  it("is forgotten when 10,000 others were used since", async () => {
    const authentication = authenticationOf(secretSettings);
    const tokens = Array.from({ length: 10_001 }, (_, index) =>
      signByHand({ alg: "HS256" }, `{"sub":"user ${index}","exp":9e9}`),
    );
    const verify = (index: number) => authentication.verify(tokens[index]!);
    for (let index = 0; index < 10_000; index++) await verify(index);
    expect(verify(0)).not.toBeInstanceOf(Promise);
    await verify(10_000);
    // The oldest use now is that of 1, since 0 was used again.
    expect(verify(0)).not.toBeInstanceOf(Promise);
    const anew = verify(1);
    expect(anew).toBeInstanceOf(Promise);
    await anew;
  });

  it("does not vouch for a wrong one", async () => {
    const authentication = authenticationOf(secretSettings);
    const wrong = await sign({}, {}, text("another secret of more than 32 bytes!"));
    for (let tries = 0; tries < 3; tries++)
      await expect(authentication.verify(wrong)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("bearer", () => {
  it.each([
    ["Bearer a.b-c_d.e", "a.b-c_d.e"],
    ["bearer   abc==", "abc=="],
    ["BEARER abc", "abc"],
    ["Bearer", null],
    ["Bearer ", null],
    ["Bearer a b", null],
    ["Bearer a\n", null],
    ["Basic abc", null],
    ["abc", null],
    ["", null],
    [undefined, null],
    [null, null],
    [["Bearer abc"], null],
  ])("of %j is %j", (header, token) => {
    expect(bearer(header)).toBe(token);
  });
});
