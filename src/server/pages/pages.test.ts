import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { createPages } from "./pages.ts";

const buildTimeoutMs = 120_000;

test(
  "pages say how to sign in, and may load and run only what is this server's own",
  { timeout: buildTimeoutMs },
  async () => {
    await using server = await serve("token");
    const response = await fetch(`${server.url}/`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy")!;
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    const html = await response.text();
    expect(html).toContain('<meta name="causerie-sign-in" content="token"');
    expect(html).not.toMatch(/<script(?![^>]* src=)/);
    expect(html).not.toMatch(/ style=| on\w+=|https?:/);
  },
);

test("a page is asked for anew each time, its files once", { timeout: buildTimeoutMs }, async () => {
  await using server = await serve("name");
  const page = await fetch(`${server.url}/`);
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const again = await fetch(`${server.url}/`, { headers: { "if-none-match": page.headers.get("etag")! } });
  expect(again.status).toBe(304);

  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await page.text())![1]!;
  const file = await fetch(server.url + script);
  expect(file.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
  expect(file.headers.get("content-encoding")).toBe("gzip");
  const plain = await fetch(server.url + script, { headers: { "accept-encoding": "identity" } });
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(await plain.text()).toBe(await file.text());
});

test("what is no page and no file of one is left to others", { timeout: buildTimeoutMs }, async () => {
  await using server = await serve("name");
  for (const path of [
    "/nothing",
    "/assets/nothing.js",
    "/assets/../index.html",
    "/index.html",
    "/__proto__",
    "/assets/",
  ])
    expect((await fetch(server.url + path)).status, path).toBe(404);
  expect((await fetch(server.url, { method: "POST" })).status).toBe(404);
  const head = await fetch(server.url, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

async function serve(signIn: "name" | "token"): Promise<AsyncDisposable & { url: string }> {
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const pages = createPages({ signIn, onFault });
  const server = createServer((request, response) => {
    pages.serve(request, response).then((isServed) => isServed || response.writeHead(404).end(), onFault);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}
