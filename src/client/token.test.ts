import { expect, test } from "vitest";
import { readToken, renewalDelayMs } from "./token.ts";

const encode = (claims: unknown) => Buffer.from(JSON.stringify(claims)).toString("base64url");
const jwt = (claims: unknown) => `${encode({ alg: "HS256" })}.${encode(claims)}.signature`;

test("a JWT tells whose it is and how long it lives, in any letters", () => {
  const claims = { sub: "zoë 🗝", exp: 2_000, iat: 1_000 };
  expect(readToken(jwt(claims))).toEqual({ userId: "zoë 🗝", expiresAtMs: 2_000_000, issuedAtMs: 1_000_000 });
});

test("a token that is no JWT tells nothing, and is no error", () => {
  const nothing = { userId: undefined, expiresAtMs: undefined, issuedAtMs: undefined };
  for (const token of [
    "",
    "opaque",
    "a.b",
    "a.%%%.c",
    `a.${encode("text")}.c`,
    `a.${encode(null)}.c`,
    jwt({ exp: "x", sub: 1 }),
  ]) {
    expect(readToken(token)).toEqual(nothing);
  }
});

test("a token is renewed when four fifths of what is left of its life are over", () => {
  const token = readToken(jwt({ exp: 2_000, iat: 1_000 }));
  expect(renewalDelayMs(token, 1_000_000)).toBe(800_000);
  expect(renewalDelayMs(token, 1_900_000)).toBe(80_000);
});

test("a clock that is wrong neither renews all the time nor too late", () => {
  const token = readToken(jwt({ exp: 2_000, iat: 1_000 }));
  // Behind by an hour: the token's life is what counts.
  expect(renewalDelayMs(token, 1_000_000 - 3_600_000)).toBe(800_000);
  // Ahead: the token seems to be over.
  expect(renewalDelayMs(token, 3_000_000)).toBe(800_000);
});

test("a token that says only when it ends, on a machine whose clock is ahead, is not renewed all the time", () => {
  const token = readToken(jwt({ exp: 2_000 }));
  expect(renewalDelayMs(token, 1_000_000)).toBe(800_000);
  expect(renewalDelayMs(token, 2_000_000)).toBe(48_000);
  expect(renewalDelayMs(token, 9_000_000)).toBe(48_000);
});

test("a token without an end is never renewed", () => {
  expect(renewalDelayMs(readToken("opaque"), 0)).toBeUndefined();
  expect(renewalDelayMs(readToken(jwt({ sub: "a" })), 0)).toBeUndefined();
});
