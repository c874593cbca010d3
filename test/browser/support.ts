import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, vi } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";
import { ChatPage, type ChatPageOptions } from "./chat-page.ts";
import { Person } from "./person.ts";

/** An installation, the demo's build and the first start of a browser are in it. */
export const openTimeoutMs = 400_000;
/** Browsers are slow to start with on a small machine that does other things too. */
export const testTimeoutMs = 90_000;

/** What the tests of one file share; each test has people of its own, so that what one leaves behind is not in the way of the next. */
export interface BrowserWorld {
  readonly app: TestApp;
  readonly browser: Browser;
  /** The person's name in this test. */
  named(name: string): string;
  /** Somebody at the page. What goes wrong in it without showing fails the test. */
  open(name: string, options?: Partial<ChatPageOptions>): Promise<ChatPage>;
  /** Somebody without a browser. */
  person(name: string): Promise<Person>;
}

/** For the tests of a file: a server, with these settings, and a browser. People are let in by their names unless a setting says otherwise. */
export function useBrowserWorld(env: Record<string, string> = { JWT_SECRET: "" }): BrowserWorld {
  vi.setConfig({ testTimeout: testTimeoutMs });
  const resources = new AsyncDisposableStack();
  const problems: string[] = [];
  let opened: { app: TestApp; browser: Browser };
  let round = 0;

  beforeAll(async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "causerie-browser-"));
    resources.defer(() => rm(dataDir, { recursive: true, force: true }));
    const app = resources.use(await startTestApp({ env: { DATA_DIR: dataDir, ...env } }));
    const browser = await launchChromium();
    resources.defer(() => browser.close());
    // Its first answer may have to wait for the pages to be built.
    await fetch(app.url);
    opened = { app, browser };
  }, openTimeoutMs);

  afterEach(() => {
    round++;
    expect(problems.splice(0)).toEqual([]);
  });

  afterAll(() => resources.disposeAsync());

  const named = (name: string) => `${name}${round}`;
  return {
    get app() {
      return opened.app;
    },
    get browser() {
      return opened.browser;
    },
    named,
    open: (name, options = {}) =>
      ChatPage.open(opened.browser, { url: opened.app.url, name: named(name), problems, ...options }),
    person: (name) => Person.open(opened.app.url, named(name)),
  };
}
