import { execFile } from "node:child_process";
import { hash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ConfigError } from "../../src/config.ts";
import { RoomEventsDocument, ViewerDocument } from "../../src/client/generated/operations.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { TestUser } from "../support/user.ts";
import { EventReader } from "./events.ts";
import { WireSocket } from "./wire.ts";

const script = fileURLToPath(new URL("../../scripts/persisted-operations.ts", import.meta.url));
const unlisted = "{ viewer { name } }";
const hashOf = (text: string) => hash("sha256", text, "hex");
const byHash = (text: string) => ({ persistedQuery: { version: 1, sha256Hash: hashOf(text) } });
const refused = [{ message: "The operation is not one of those allowed here.", extensions: { code: "QUERY_REFUSED" } }];

let folder: string;
let file: string;
let open: TestApp;
let app: TestApp;
let alice: TestUser;
let roomId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "causerie-persisted-"));
  file = join(folder, "operations.json");
  await promisify(execFile)(process.execPath, [script, file]);
  open = await startTestApp();
  app = await startTestApp({ databaseUrl: open.databaseUrl, env: { PERSISTED_OPERATIONS: file } });
  alice = await TestUser.open(open, "alice");
  roomId = await alice.createRoom("Tea");
});
afterAll(async () => {
  await app.close();
  await open.close();
  await rm(folder, { recursive: true, force: true });
});

async function post(at: TestApp, body: object) {
  const response = await fetch(`${at.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${alice.token}` },
    body: JSON.stringify(body),
  });
  return (await response.json()) as { data?: unknown; errors?: unknown };
}

test("the example holds the client kit's operations, by their texts' SHA-256", async () => {
  const map = JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  expect(Object.values(map)).toContain(RoomEventsDocument.toString());
  for (const [key, text] of Object.entries(map)) expect(hashOf(text)).toBe(key);
});

describe("a listed operation is let in", () => {
  const viewer = { data: { viewer: { id: "alice", name: "alice", avatarUrl: null } } };

  test("by its text or its hash, over HTTP, by GET too", async () => {
    const query = ViewerDocument.toString();
    expect(await post(app, { query })).toEqual(viewer);
    expect(await post(app, { extensions: byHash(query) })).toEqual(viewer);
    expect(await post(app, { query: null, extensions: byHash(query) })).toEqual(viewer);
    expect(await post(app, { extensions: { persistedQuery: { sha256Hash: hashOf(query).toUpperCase() } } })).toEqual(
      viewer,
    );
    const parameters = new URLSearchParams({ extensions: JSON.stringify(byHash(query)) });
    const response = await fetch(`${app.url}/graphql?${parameters}`, {
      headers: { authorization: `Bearer ${alice.token}` },
    });
    expect(await response.json()).toEqual(viewer);
  });

  test("by its text or its hash, over WebSocket and event streams", async () => {
    const query = RoomEventsDocument.toString();
    await using wire = await WireSocket.begin(app, "alice");
    expect(await wire.ask("text", query, { roomId })).toMatchObject({
      type: "next",
      payload: { data: expect.anything() },
    });
    wire.send({
      id: "hash",
      type: "subscribe",
      payload: { query: "", variables: { roomId }, extensions: byHash(query) },
    });
    expect(await wire.next()).toMatchObject({ id: "hash", type: "next", payload: { data: expect.anything() } });
    await using reader = await EventReader.open(app, { token: alice.token, query, variables: { roomId } });
    expect(await reader.next()).toMatchObject({ data: { data: { roomEvents: { __typename: "CaughtUp" } } } });
  });
});

describe("any other is refused", () => {
  test("over HTTP, by its text, by its hash, and by the hash of a listed one", async () => {
    expect(await post(app, { query: unlisted })).toEqual({ errors: refused });
    expect(await post(app, { extensions: byHash(unlisted) })).toEqual({ errors: refused });
    expect(await post(app, { query: unlisted, extensions: byHash(ViewerDocument.toString()) })).toEqual({
      errors: refused,
    });
    expect(await post(app, { query: `${ViewerDocument.toString()} ` })).toEqual({ errors: refused });
    expect(await post(app, { extensions: { persistedQuery: { sha256Hash: "__proto__" } } })).toEqual({
      errors: refused,
    });
  });

  test("over WebSocket and event streams, and the socket lives on", async () => {
    await using wire = await WireSocket.begin(app, "alice");
    expect(await wire.ask("1", unlisted)).toEqual({ id: "1", type: "error", payload: refused });
    expect(await wire.ask("2", "{ __schema { types { name } } }")).toMatchObject({ payload: refused });
    expect(await wire.ask("3", ViewerDocument.toString())).toMatchObject({ type: "next" });
    await using reader = await EventReader.open(app, { token: alice.token, query: unlisted });
    expect(await reader.next()).toEqual({ event: "next", data: { errors: refused } });
  });
});

test("without a list a hash alone is answered as clients of persisted queries expect it, so that they send the text", async () => {
  expect(await post(open, { extensions: byHash(unlisted) })).toEqual({
    errors: [{ message: "PersistedQueryNotFound", extensions: { code: "QUERY_REFUSED" } }],
  });
  expect(await post(open, { query: unlisted, extensions: byHash(unlisted) })).toEqual({
    data: { viewer: { name: "alice" } },
  });
});

describe("a list that is wrong stops the start, and is named:", () => {
  test.each([
    ["no file", null, /cannot be read \(ENOENT\)/],
    ["no JSON", "{", /not a JSON object/],
    ["a list", "[]", /not a JSON object/],
    ["a hash that is not its text's", JSON.stringify({ [hashOf("other")]: unlisted }), /is not its text's SHA-256/],
    ["a document that is no text", JSON.stringify({ a: { query: unlisted } }), /is not a text/],
    ["a document that is not valid", JSON.stringify({ [hashOf("{ nothing }")]: "{ nothing }" }), /Cannot query field/],
  ])("%s", async (_what, content, message) => {
    const path = join(folder, "wrong.json");
    if (content === null) await rm(path, { force: true });
    else await writeFile(path, content);
    const start = startTestApp({ databaseUrl: open.databaseUrl, env: { PERSISTED_OPERATIONS: path } });
    const error = await start.then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).problems).toEqual([expect.stringMatching(/^PERSISTED_OPERATIONS: /)]);
    expect((error as ConfigError).problems[0]).toMatch(message);
  });
});
