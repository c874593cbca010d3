/** Makes the pictures of the demo in docs/images: `npm run screenshots`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { pino } from "pino";
import { startApp } from "../../src/app.ts";
import { readConfig } from "../../src/config.ts";
import { launchChromium } from "../support/chromium.ts";
import { ChatPage } from "./chat-page.ts";
import { Person } from "./person.ts";
import { furnish } from "./salon.ts";

const folder = process.env.SCREENSHOTS_DIR ?? fileURLToPath(new URL("../../docs/images", import.meta.url));
const wide = { width: 1280, height: 800 };
const phone = { width: 390, height: 780 };

await using resources = new AsyncDisposableStack();
const dataDir = await mkdtemp(join(tmpdir(), "causerie-screenshots-"));
resources.defer(() => rm(dataDir, { recursive: true, force: true }));
const config = readConfig({ PORT: "0", DATA_DIR: dataDir, RATE_LIMITS: "off" });
const app = resources.use(await startApp(config, { log: pino({ level: "warn" }) }));
const browser = await launchChromium();
resources.defer(() => browser.close());

const { url } = app;
const blank = await browser.newPage({ viewport: wide, colorScheme: "light" });
await blank.goto(url);
await shoot(blank, "sign-in");

const ada = resources.use(
  await ChatPage.open(browser, { url, name: "Ada Byron", viewport: wide, colorScheme: "light", deviceScaleFactor: 1 }),
);
const people: Record<string, Person> = {};
for (const name of ["Blaise", "Camille Dubois", "Denis", "Emilie"])
  people[name] = resources.use(await Person.open(url, name));
const { roomId } = await furnish({ page: ada, people: Object.values(people) });
const typing = people["Emilie"]!.client.rooms.get(roomId);

async function withTyping(work: () => Promise<void>): Promise<void> {
  typing.noteTyping();
  await ada.page.getByText("Emilie is typing…").waitFor();
  await work();
}

await withTyping(() => shoot(ada.page, "chat-light"));
await ada.page.emulateMedia({ colorScheme: "dark" });
await withTyping(() => shoot(ada.page, "chat-dark"));

await ada.page.getByRole("button", { name: "Members" }).click();
const members = ada.page.getByRole("complementary", { name: "Members" });
await members.getByRole("listitem").filter({ hasText: "Blaise" }).getByText("Online").last().waitFor();
await shoot(ada.page, "members-dark");
await ada.page.emulateMedia({ colorScheme: "light" });
await shoot(ada.page, "members");
await ada.page.getByRole("button", { name: "Close" }).click();

await ada.page.getByRole("button", { name: "change your status" }).click();
await ada.page.getByRole("dialog").waitFor();
await shoot(ada.page, "status");
await ada.page.keyboard.press("Escape");

await ada.page.setViewportSize(phone);
await withTyping(() => shoot(ada.page, "phone-room"));
await ada.page.getByRole("link", { name: "All rooms" }).click();
await ada.page.getByRole("button", { name: "New room" }).waitFor();
await shoot(ada.page, "phone-rooms");
await ada.page.setViewportSize(wide);
await ada.openRoom("Saturday walk");

await ada.context.setOffline(true);
await ada.banner.getByText("You are offline.").waitFor();
await ada.say("I bring the map.");
await ada.say("And the biscuits.");
await ada.banner.getByText("2 messages wait to be sent.").waitFor();
await shoot(ada.page, "offline");

async function shoot(page: Page, name: string): Promise<void> {
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(folder, `${name}.png`), animations: "disabled" });
}
