import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startServerProcess } from "../support/server-process.ts";
import { ChatPage } from "./chat-page.ts";
import { openTimeoutMs } from "./support.ts";

vi.setConfig({ testTimeout: openTimeoutMs });

test("when the server is killed and started again, pages come back by themselves with nothing lost or doubled", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "causerie-browser-"));
  await using resources = new AsyncDisposableStack();
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const database = await createTestDatabase();
  resources.defer(() => database.close());
  const env = { JWT_SECRET: "", DATA_DIR: dataDir };
  const server = resources.use(await startServerProcess({ databaseUrl: database.url, env }));
  const browser = await launchChromium();
  resources.defer(() => browser.close());

  const open = (name: string) => ChatPage.open(browser, { url: server.url, name });
  const bob = resources.use(await open("Bob"));
  const alice = resources.use(await open("Alice"));
  await alice.createRoom("Tea", ["Bob"]);
  await bob.openRoom("Tea");
  await alice.say("before");
  await alice.untilStatus("before", "read by 1");

  await alice.say("into the kill");
  await server.kill();
  await alice.banner.getByText("You are offline.").waitFor();
  await alice.say("while it is down");
  await bob.banner.waitFor();
  await server.start();
  await alice.untilStatus("while it is down", "read by 1");
  await bob.say("after");
  await alice.message("after").waitFor();
  await Promise.all([alice.untilLive(), bob.untilLive()]);

  const expected = ["before", "into the kill", "while it is down", "after"];
  expect(await alice.texts()).toEqual(expected);
  expect(await bob.texts()).toEqual(expected);
});
