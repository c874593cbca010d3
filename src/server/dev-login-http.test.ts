import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { handleDevLogin } from "./dev-login-http.ts";
import { createDevLogin } from "./dev-login.ts";
import type { DevLogin } from "./dev-login.ts";

let dataDir: string;
let devLogin: DevLogin;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "causerie-dev-login-"));
  devLogin = await createDevLogin({ dataDir });
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const url = "http://localhost/dev/login";
const jsonType = { "content-type": "application/json" };
const post = (body: BodyInit, headers: Record<string, string> = jsonType) =>
  handle(new Request(url, { method: "POST", body, headers, duplex: "half" } as RequestInit));
const handle = (request: Request, login = devLogin) => handleDevLogin(login, request, (fault) => faults.push(fault));
const faults: unknown[] = [];

const bodyOf = (bytes: number) => `{"name": "Alice"${" ".repeat(bytes - 17)}}`;

async function expectFailure(response: Response, status: number, code: string) {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({ error: { code, message: expect.stringMatching(/\.$/) } });
}

describe("POST /dev/login", () => {
  it("with a name gives a token that nobody keeps in a cache", async () => {
    const response = await post('{"name": "Alice"}');
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({
      token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      userId: "dev:alice",
      name: "Alice",
      expiresAt: expect.stringMatching(/^\d{4}-.*T.*Z$/),
    });
  });

  it("takes the type with parameters, in any case", async () => {
    expect((await post('{"name": "Alice"}', { "content-type": "Application/JSON; charset=utf-8" })).status).toBe(200);
  });

  it.each(["GET", "PUT", "DELETE", "OPTIONS"])("with %s instead is 405", async (method) => {
    const response = await handle(new Request(url, { method }));
    expect(response.headers.get("allow")).toBe("POST");
    await expectFailure(response, 405, "METHOD_NOT_ALLOWED");
  });

  it.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx"])(
    "of %s, which a form of another site could send, is 415",
    async (type) => {
      await expectFailure(await post('{"name": "Alice"}', { "content-type": type }), 415, "UNSUPPORTED_MEDIA_TYPE");
    },
  );

  it("without a type is 415", async () => {
    await expectFailure(await post(new Uint8Array([123, 125]), {}), 415, "UNSUPPORTED_MEDIA_TYPE");
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '"Alice"',
    "{}",
    '{"name": 1}',
    '{"name": null}',
    '{"name": ""}',
    '{"name": "a\\u0000"}',
  ])("of %j is 400", async (body) => {
    await expectFailure(await post(body), 400, "INVALID");
  });

  it("of bytes that are no UTF-8 is 400", async () => {
    await expectFailure(await post(Buffer.from('{"name": "\xff"}', "latin1")), 400, "INVALID");
  });

  it("of more than 4 KiB is 413, of exactly 4 KiB not", async () => {
    expect((await post(bodyOf(4096))).status).toBe(200);
    await expectFailure(await post(bodyOf(4097)), 413, "TOO_LARGE");
  });

  it("of a stream without end is 413, and the stream is let go", async () => {
    let cancelled = false;
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel: () => void (cancelled = true),
    });
    await expectFailure(await post(endless), 413, "TOO_LARGE");
    expect(cancelled).toBe(true);
  });

  it("that fails by the server's own fault is 500 and says nothing of it", async () => {
    const broken: DevLogin = { ...devLogin, issue: () => Promise.reject(new Error("secret: /etc/causerie.key")) };
    const request = new Request(url, { method: "POST", body: '{"name": "Alice"}', headers: jsonType });
    const response = await handle(request, broken);
    expect(await response.clone().text()).not.toContain("secret");
    await expectFailure(response, 500, "INTERNAL");
    expect(faults).toEqual([new Error("secret: /etc/causerie.key")]);
  });
});
