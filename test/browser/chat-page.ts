import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from "playwright-core";
import { noteProblems } from "./page-problems.ts";

export interface ChatPageOptions extends BrowserContextOptions {
  url: string;
  /** The page is signed in with it. */
  name: string;
  /** Where the page's faults are taken down; without it they are not looked at. */
  problems?: string[] | undefined;
  /** Done with the browser's context before the page opens. */
  prepare?: ((context: BrowserContext) => Promise<void>) | undefined;
}

/** A person at the demo page, in a browser context of its own. */
export class ChatPage implements AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly composer: Locator;
  readonly banner: Locator;

  constructor(page: Page) {
    this.page = page;
    this.context = page.context();
    this.composer = page.getByRole("textbox", { name: "Message" });
    this.banner = page.locator(".banner[data-shown='true']");
  }

  static async open(browser: Browser, options: ChatPageOptions): Promise<ChatPage> {
    const { url, name, problems, prepare, ...contextOptions } = options;
    const context = await browser.newContext({ locale: "en-GB", ...contextOptions });
    await prepare?.(context);
    const page = await context.newPage();
    if (problems) noteProblems(page, problems);
    await page.goto(url);
    const chat = new ChatPage(page);
    await chat.signIn(name);
    return chat;
  }

  /** Of whoever is signed in. */
  userId(): Promise<string> {
    return this.page.evaluate(() => {
      const session = JSON.parse(sessionStorage.getItem("causerie/session")!) as { userId: string };
      return session.userId;
    });
  }

  async signIn(name: string): Promise<void> {
    await this.page.getByLabel("Your name").fill(name);
    await this.page.getByRole("button", { name: "Sign in" }).click();
    await this.page.getByRole("button", { name: "New room" }).waitFor();
    await this.untilLive();
  }

  /** Makes a room with people who have signed in before. */
  async createRoom(name: string, people: string[] = []): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New room" }).click();
    await page.getByLabel("Name").fill(name);
    for (const person of people) {
      await page.getByRole("combobox", { name: "People" }).fill(person);
      await page.getByRole("option", { name: person }).click();
    }
    await page.getByRole("button", { name: "Make the room" }).click();
    await this.composer.waitFor();
  }

  async openRoom(name: string): Promise<void> {
    await this.roomItem(name).click();
    await this.page.getByRole("heading", { name }).waitFor();
  }

  /** Makes the direct room with somebody, or opens it where it is. */
  async openDirect(name: string): Promise<void> {
    const { page } = this;
    await page.getByRole("button", { name: "New message" }).click();
    await page.getByRole("combobox", { name: "To" }).fill(name);
    await page.getByRole("option", { name }).click();
    await page.getByRole("heading", { name }).waitFor();
  }

  /** Of the room that is open. */
  roomId(): string {
    return decodeURIComponent(new URL(this.page.url()).hash.split("/").at(-1)!);
  }

  roomItem(name: string): Locator {
    return this.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name });
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press("Enter");
  }

  /** The message with exactly this text. */
  message(text: string): Locator {
    return this.page
      .getByRole("article")
      .filter({ has: this.page.locator(".content").getByText(text, { exact: true }) });
  }

  /** Resolves when the message is there with this status (`sent`, `read by 1`). */
  async untilStatus(text: string, status: string): Promise<void> {
    await this.message(text).locator(".status", { hasText: status }).waitFor();
  }

  /** What is in the document of the open room, in order. */
  texts(): Promise<string[]> {
    return this.page.locator(".content").allInnerTexts();
  }

  async untilLive(): Promise<void> {
    await this.banner.waitFor({ state: "hidden" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
