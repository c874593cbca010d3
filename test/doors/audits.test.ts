// The suite of graphql-http: what a server has to do by "GraphQL over HTTP".
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";

let app: TestApp;
let token: string;

beforeAll(async () => {
  app = await startTestApp();
  token = await tokenOf("auditor");
});
afterAll(() => app.close());

const audits = serverAudits({
  url: () => `${app.url}/graphql`,
  fetchFn: (url: string, init: RequestInit = {}) =>
    fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` } }),
});

test("there are audits of each kind", () => {
  expect(audits.filter(({ name }) => name.startsWith("MUST")).length).toBeGreaterThan(10);
  expect(audits.filter(({ name }) => name.startsWith("SHOULD")).length).toBeGreaterThan(10);
});

describe.each(["MUST", "SHOULD", "MAY"])("what a server %s do", (kind) => {
  test.each(audits.filter(({ name }) => name.startsWith(kind)))("$name ($id)", async ({ fn }) => {
    expect(await fn()).toMatchObject({ status: "ok" });
  });
});
