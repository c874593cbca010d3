import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { startTestApp, type TestApp } from "../support/app.ts";
import { launchChromium } from "../support/chromium.ts";

/** An installation, the demo's build and the first start of a browser are in it. */
export const openTimeoutMs = 400_000;
/** Browsers are slow to start with on a small machine that does other things too. */
export const testTimeoutMs = 90_000;

/** A server that lets people in by their names, and a browser. */
export interface BrowserWorld extends AsyncDisposable {
  readonly app: TestApp;
  readonly browser: Browser;
}

export async function openBrowserWorld(): Promise<BrowserWorld> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), "causerie-browser-"));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const app = resources.use(await startTestApp({ env: { JWT_SECRET: "", DATA_DIR: dataDir } }));
  const browser = await launchChromium();
  resources.defer(() => browser.close());
  // Its first answer may have to wait for the pages to be built.
  await fetch(app.url);
  const opened = resources.move();
  return { app, browser, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Takes down what goes wrong in a page without showing: faults, errors in the console, and whatever the page's policy refused. */
export function noteProblems(page: Page, problems: string[]): void {
  page.on("pageerror", (error) => problems.push(`fault: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
}
