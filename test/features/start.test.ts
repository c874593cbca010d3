import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());

test("a start that fails names the setting that it failed over, without its password", async () => {
  const none = app.databaseUrl.replace(/\/[^/]*$/, "/none");
  await expect(startTestApp({ databaseUrl: none })).rejects.toThrow(/^DATABASE_URL: database "none" does not exist$/);
  const away = startTestApp({ databaseUrl: "postgresql://causerie:a-secret@127.0.0.1:1/causerie" });
  await expect(away).rejects.toThrow(/^DATABASE_URL: (?!.*a-secret)/);
  const { databaseUrl } = app;
  const taken = startTestApp({ databaseUrl, env: { PORT: new URL(app.url).port } });
  await expect(taken).rejects.toThrow(/^PORT: .*EADDRINUSE/);
  await expect(startTestApp({ databaseUrl, env: { HOST: "192.0.2.1" } })).rejects.toThrow(/^HOST: .*EADDRNOTAVAIL/);
});
