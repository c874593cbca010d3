import { expect } from "vitest";
import { randomUUID } from "node:crypto";
import type { Received, TestUser } from "./user.ts";

export type Input = Record<string, unknown>;
export type Expected = { __typename: string; code: string; path: string[] | null };
export const invalid = (...path: string[]): Expected => ({ __typename: "InputError", code: "INVALID", path });
export const notFound = (...path: string[]): Expected => ({ __typename: "NotFoundError", code: "NOT_FOUND", path });
export const forbidden = (...path: string[]): Expected => ({
  __typename: "ForbiddenError",
  code: "FORBIDDEN",
  path: path.length > 0 ? path : null,
});

export const badTexts: [string, string][] = [
  ["empty", ""],
  ["with a NUL", "a\0b"],
  ["with half a surrogate pair at its end", "a\ud83d"],
  ["with half a surrogate pair at its beginning", "\ude00b"],
];
/** Ids that were never given. */
export const noIds: [string, string][] = [
  ["a UUID", "00000000-0000-4000-8000-000000000000"],
  ["a UUID in capitals", randomUUID().toUpperCase()],
  ["no UUID", "room"],
  ["nothing", ""],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["a NUL", "\0"],
  ["half a surrogate pair", "\ud83d"],
  ["a very long text", "x".repeat(10_000)],
  ["an SQL fragment", "' or true --"],
];

/** A top-level error, and no data. */
export async function expectError(
  user: TestUser,
  query: string,
  variables: Input,
  expected: { code: string; argument?: string[] },
) {
  const { data, errors } = await user.ask(query, variables);
  expect({ data: data ?? null, errors }).toMatchObject({ errors: [{ extensions: expected }] });
  expect(Object.values(data ?? {}).every((value) => value === null)).toBe(true);
}

/** What a subscription is refused with. */
export async function refusalOf(feed: Received<unknown>): Promise<unknown> {
  await feed.end();
  return feed.errors;
}

/** A response as its text. */
export async function rawAnswer(user: TestUser, query: string, variables: Input): Promise<string> {
  const response = await fetch(`${user.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${user.token}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.text();
}
