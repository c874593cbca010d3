import { expect, test } from "vitest";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();

test("without a mouse one signs in, makes a room, writes, replies, edits, deletes and sees where one is", async () => {
  await using bob = await world.person("Bob");
  const context = await world.browser.newContext();
  const page = await context.newPage();
  const { keyboard } = page;
  const article = (text: string) => page.getByRole("article").filter({ hasText: text });
  const focused = page.locator(":focus");
  await page.goto(world.app.url);
  // The field has the focus as soon as it is there.
  await page.waitForFunction(() => document.activeElement?.matches("input"));
  await keyboard.type(world.named("Ada"));
  await keyboard.press("Enter");
  await page.getByText("You are in no room yet.").waitFor();

  await tabTo("New room");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "New room" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused.textContent()).toContain("New room");
  expect(await focused.evaluate((element) => getComputedStyle(element).outlineStyle)).toBe("solid");
  await keyboard.press("Enter");
  await page.getByRole("dialog", { name: "New room" }).waitFor();
  await keyboard.type("Tea");
  await keyboard.press("Tab");
  await keyboard.type(bob.name);
  await page.getByRole("option", { name: bob.name }).waitFor();
  await keyboard.press("Enter");
  await tabTo("Make the room");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Tea" }).waitFor();

  await focusIs("Message");
  await keyboard.type("One");
  await keyboard.press("Enter");
  await keyboard.type("Two");
  await keyboard.press("Enter");
  await article("Two").getByText("sent").waitFor();
  await keyboard.press("Shift+Tab");
  while (!(await focused.evaluate((element) => element.matches("article")))) await keyboard.press("Shift+Tab");
  expect(await focused.getAttribute("aria-label")).toContain("Two");
  await keyboard.press("ArrowUp");
  expect(await focused.getAttribute("aria-label")).toContain("One");
  await keyboard.press("r");
  await focusIs("Message");
  await keyboard.type("Three");
  await keyboard.press("Enter");
  await article("Three").getByRole("button", { name: "In reply to" }).waitFor();
  await article("Three").getByText("sent").waitFor();
  await keyboard.press("ArrowUp");
  // The page is in the middle of opening the editor.
  await page.waitForFunction(() => (document.activeElement as HTMLTextAreaElement | null)?.value === "Three");
  await keyboard.type(" times");
  await keyboard.press("Enter");
  await article("Three times").getByText("edited").waitFor();
  await article("Three times").focus();
  await keyboard.press("Delete");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect(await focused.getAttribute("aria-label")).toContain("Three times");
  await keyboard.press("Delete");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await keyboard.press("Enter");
  await article("This message was deleted.").waitFor();
  await context.close();

  /** By Tab alone, as far as it takes. */
  async function tabTo(name: string): Promise<void> {
    const wanted = page.getByRole("button", { name, exact: true });
    for (let presses = 0; presses < 30; presses++) {
      if (await wanted.evaluate((element) => element === document.activeElement)) return;
      await keyboard.press("Tab");
    }
    throw new Error(`Tab does not come to ${name}.`);
  }

  async function focusIs(label: string): Promise<void> {
    await page.locator(`:focus[aria-label="${label}"]`).waitFor();
  }
});
