import { expect, test } from "vitest";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();

test("what one writes the other reads, and sees as read", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await alice.createRoom("Tea", [world.named("Bob")]);
  await alice.say("Are you there?");
  await alice.untilStatus("Are you there?", "sent");

  await bob.roomItem("Tea").getByText("1 unread").waitFor();
  await bob.openRoom("Tea");
  await bob.message("Are you there?").waitFor();
  await alice.untilStatus("Are you there?", "read by 1");
  await alice.message("Are you there?").getByText("read by 1").hover();
  await alice.page.getByRole("tooltip").getByText(world.named("Bob")).waitFor();
  await bob.roomItem("Tea").getByText("unread").waitFor({ state: "hidden" });

  await bob.say("I am.");
  await alice.message("I am.").waitFor();
  expect(await alice.texts()).toEqual(["Are you there?", "I am."]);
});

test("messages are edited, deleted and replied to in sight of all", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await alice.createRoom("Tea", [world.named("Bob")]);
  await bob.openRoom("Tea");
  await alice.say("Nine o'clok");
  await bob.message("Nine o'clok").hover();
  await bob.message("Nine o'clok").getByRole("button", { name: "Reply" }).click();
  await bob.say("Fine with me");
  await alice.message("Fine with me").getByRole("button", { name: "In reply to" }).getByText("Nine o'clok").waitFor();

  await alice.composer.press("ArrowUp");
  await alice.composer.fill("Nine o'clock");
  await alice.composer.press("Enter");
  await bob.message("Nine o'clock").getByText("edited").waitFor();
  await bob.message("Fine with me").getByRole("button", { name: "In reply to" }).getByText("Nine o'clock").waitFor();

  await alice.message("Nine o'clock").focus();
  await alice.page.keyboard.press("Delete");
  await alice.page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await bob.page.getByRole("article").filter({ hasText: "This message was deleted." }).first().waitFor();
  expect(await alice.page.getByText("Nine o'clock").count()).toBe(0);
});

test("a message is text: nothing in it is interpreted but web addresses, which are links", async () => {
  await using alice = await world.open("Alice");
  await alice.createRoom("Tea");
  const markup = `<img src=x onerror="document.title='owned'"> & <script>alert(1)</script>`;
  await alice.say(markup);
  await alice.untilStatus(markup, "sent");
  expect(await alice.message(markup).locator("img, script").count()).toBe(0);
  expect(await alice.page.title()).toBe("Causerie");

  await alice.say("See https://example.com/a_(b)?c=d, or javascript:alert(1).");
  const link = alice.page.getByRole("article").getByRole("link");
  await link.waitFor();
  expect(await link.getAttribute("href")).toBe("https://example.com/a_(b)?c=d");
  expect(await link.getAttribute("rel")).toContain("noopener");
});

test("who is removed from a room is told, and what was loaded stays; who is added sees the room", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await alice.createRoom("Tea");
  await alice.say("Before Bob");
  await alice.page.getByRole("button", { name: "Members" }).click();
  await alice.page.getByRole("combobox", { name: "Add somebody" }).fill(world.named("Bob"));
  await alice.page.getByRole("option", { name: world.named("Bob") }).waitFor();
  await alice.page.keyboard.press("Enter");
  await bob.openRoom("Tea");
  await bob.message("Before Bob").waitFor();

  await alice.page.getByRole("button", { name: `Remove ${world.named("Bob")}` }).click();
  await bob.page.getByText("You are no longer a member of this room.").waitFor();
  await bob.page.getByText("You were removed from “Tea”.").waitFor();
  await bob.message("Before Bob").waitFor();
  expect(await bob.composer.count()).toBe(0);
  await bob.roomItem("Tea").waitFor({ state: "detached" });
});

test("who owns a room renames it and says who else may; the others see the name at once", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await alice.createRoom("Tea", [world.named("Bob")]);
  await bob.openRoom("Tea");
  const rename = { name: "Rename the room" };
  expect(await bob.page.getByRole("button", rename).count()).toBe(0);

  await alice.page.getByRole("button", { name: "Members" }).click();
  await alice.page.getByLabel(`Role of ${world.named("Bob")}`).selectOption("Admin");
  await bob.page.getByRole("button", rename).click();
  await bob.page.getByRole("dialog").getByLabel("Name").fill("Coffee");
  await bob.page.keyboard.press("Enter");
  await bob.page.getByRole("heading", { name: "Coffee", exact: true }).waitFor();
  await alice.page.getByRole("heading", { name: "Coffee", exact: true }).waitFor();
  await alice.roomItem("Coffee").waitFor();
  // The event may be here before the answer.
  await bob.page.getByRole("dialog").waitFor({ state: "detached" });

  await alice.page.getByLabel(`Role of ${world.named("Bob")}`).selectOption("Member");
  await bob.page.getByRole("button", rename).waitFor({ state: "detached" });
});

test("there is one direct room of two people, whoever opens it", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await alice.openDirect(world.named("Bob"));
  await bob.openDirect(world.named("Alice"));
  expect(alice.page.url()).toBe(bob.page.url());
  await bob.say("Hello");
  await alice.message("Hello").waitFor();
});

test("the title of the page counts what is unread, and nothing any more after signing out", async () => {
  await using bob = await world.person("Bob");
  await using alice = await world.open("Alice");
  await bob.say(await bob.createRoom("Tea", [{ id: await alice.userId() }]), "Hello");
  await alice.page.waitForFunction(() => document.title === "(1) Causerie");
  await alice.page.getByRole("button", { name: "Sign out" }).click();
  await alice.page.getByLabel("Your name").waitFor();
  await alice.page.waitForFunction(() => document.title === "Causerie");
});

test("a message that many have read says so, and names them", async () => {
  await using resources = new AsyncDisposableStack();
  await using alice = await world.open("Alice");
  const names = ["Bob", "Carol", "Dan", "Erin", "Fay"];
  const readers = await Promise.all(names.map(async (name) => resources.use(await world.person(name))));
  await alice.createRoom(
    "Tea",
    readers.map(({ name }) => name),
  );
  await alice.say("Tea is ready");
  await alice.untilStatus("Tea is ready", "sent");
  const roomId = alice.roomId();
  const messageId = await readers[0]!.newestIn(roomId);
  for (const reader of readers.slice(0, 4)) await reader.read(roomId, messageId);
  await alice.untilStatus("Tea is ready", "read by 4");
  await readers[4]!.read(roomId, messageId);
  await alice.untilStatus("Tea is ready", "read by many");
  await alice.message("Tea is ready").getByText("read by many").hover();
  const tip = alice.page.getByRole("tooltip");
  for (const { name } of readers) await tip.getByText(name).waitFor();
  expect(await tip.locator("time").count()).toBe(readers.length);
});
