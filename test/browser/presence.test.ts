import { expect, test } from "vitest";
import type { ChatPage } from "./chat-page.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();

test("who is typing is shown to the others, until it is sent or taken back", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice");
  await using carol = await world.person("Carol");
  await alice.createRoom("Tea", [world.named("Bob"), carol.name]);
  await bob.openRoom("Tea");
  const line = alice.page.locator(".typing");

  await bob.composer.pressSequentially("Hm");
  await line.getByText(`${world.named("Bob")} is typing…`).waitFor();
  expect(await bob.page.locator(".typing").innerText()).toBe("");
  carol.client.rooms.get(alice.roomId()).noteTyping();
  await line.getByText(`${world.named("Bob")} and ${carol.name} are typing…`).waitFor();

  await bob.say("Hmm.");
  await line.getByText(`${carol.name} is typing…`, { exact: true }).waitFor();
  await bob.composer.pressSequentially("No");
  await line.getByText(world.named("Bob")).waitFor();
  await bob.composer.fill("");
  await line.getByText(world.named("Bob")).waitFor({ state: "detached" });
});

test("what one says of oneself the others see, also after a reload; who leaves was last seen", async () => {
  await using alice = await world.open("Alice");
  const bob = await world.open("Bob");
  await alice.openDirect(world.named("Bob"));
  await bob.openDirect(world.named("Alice"));
  const shown = alice.page.locator(".room-title p");
  const dot = alice.roomItem(world.named("Bob")).locator(".presence-dot");
  await shown.getByText("Online").waitFor();

  await setStatus(bob, { choice: "Busy", words: "In the kitchen", quiet: "For 1 hour" });
  await shown.getByText(/^Do not disturb until \d\d:\d\d · In the kitchen$/).waitFor();
  expect(await dot.getAttribute("data-look")).toBe("quiet");
  await setStatus(bob, { quiet: "Off" });
  await shown.getByText("Busy · In the kitchen").waitFor();

  await setStatus(bob, { choice: "Appear offline", words: "" });
  await shown.getByText("Last seen just now").waitFor();
  await setStatus(bob, { choice: "Away" });
  await shown.getByText("Away").waitFor();
  expect(await dot.getAttribute("data-look")).toBe("away");

  await bob.page.reload();
  await bob.page.getByRole("button", { name: "change your status" }).getByText("Away").first().waitFor();
  await bob.context.close();
  await shown.getByText("Last seen just now").waitFor();
  expect(await dot.getAttribute("data-look")).toBe("offline");
});

test("the list of members says who is there", async () => {
  await using alice = await world.open("Alice");
  await using bob = await world.person("Bob");
  await alice.createRoom("Tea", [bob.name]);
  await bob.client.presence.set({ status: "AWAY", customStatus: "Gone for a walk" });
  await alice.page.getByRole("button", { name: "Members" }).click();
  const members = alice.page.getByRole("complementary", { name: "Members" }).getByRole("listitem");
  await members.filter({ hasText: bob.name }).getByText("Away · Gone for a walk").last().waitFor();
  await bob.client.presence.set({ currentRoomId: alice.roomId() });
  await members.filter({ hasText: bob.name }).getByText("In this room now").waitFor();
  await bob.client.presence.set({ currentRoomId: null });
  await members.filter({ hasText: bob.name }).getByText("In this room now").waitFor({ state: "detached" });
  await members.filter({ hasText: "(you)" }).getByText("Online").last().waitFor();
});

test("who does nothing for five minutes is away, is warned before, and is back with the first move", async () => {
  await using alice = await world.open("Alice", { prepare: (context) => context.clock.install() });
  await using bob = await world.open("Bob");
  await bob.openDirect(world.named("Alice"));
  const shown = bob.page.locator(".room-title p");
  await shown.getByText("Online").waitFor();

  await alice.page.clock.fastForward("04:01");
  await alice.page.getByText("In a minute you are shown as away.").waitFor();
  await shown.getByText("Online").waitFor();
  await alice.page.clock.fastForward("01:00");
  await shown.getByText("Away").waitFor();
  await alice.page.getByText("In a minute you are shown as away.").waitFor({ state: "detached" });

  await alice.page.mouse.move(100, 100);
  await shown.getByText("Online").waitFor();
});

async function setStatus(of: ChatPage, status: { choice?: string; words?: string; quiet?: string }): Promise<void> {
  const { page } = of;
  await page.getByRole("button", { name: "change your status" }).click();
  const dialog = page.getByRole("dialog", { name: "Your status" });
  if (status.choice !== undefined) await dialog.getByText(status.choice, { exact: true }).click();
  if (status.words !== undefined) await dialog.getByLabel("What you are doing").fill(status.words);
  if (status.quiet !== undefined) await dialog.getByLabel("Do not disturb").selectOption(status.quiet);
  await dialog.getByRole("button", { name: "Save" }).click();
}
