import { test } from "vitest";
import { expectAccessible } from "./axe.ts";
import { furnish } from "./salon.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();
const phone = { width: 390, height: 780 };
const wide = { width: 1280, height: 800 };

test("everybody can use the sign-in and the empty page", async () => {
  const blank = await world.browser.newPage();
  await blank.goto(world.app.url);
  await blank.getByLabel("Your name").waitFor();
  await expectAccessible(blank, "the sign-in");
  await blank.close();

  await using ada = await world.open("Ada");
  await ada.page.getByText("You are in no room yet.").waitFor();
  await expectAccessible(ada.page, "no room");
  await ada.page.setViewportSize(phone);
  await expectAccessible(ada.page, "no room, on a phone");
});

test("everybody can use a room, its members and the dialogs, on a phone too", async () => {
  await using resources = new AsyncDisposableStack();
  const ada = resources.use(await world.open("Ada", { problems: undefined, viewport: wide }));
  const names = ["Blaise", "Camille", "Denis", "Emilie"];
  const people = await Promise.all(names.map(async (name) => resources.use(await world.person(name))));
  const { roomId } = await furnish({ page: ada, people });
  const { page } = ada;

  people[0]!.client.rooms.get(roomId).noteTyping();
  await page.getByText(`${people[0]!.name} is typing…`).waitFor();
  await expectAccessible(page, "a room");
  await page.getByRole("article").last().focus();
  await expectAccessible(page, "a message in focus");
  await page.setViewportSize(phone);
  await expectAccessible(page, "a room on a phone");
  await page.getByRole("button", { name: "Members" }).click();
  await page.getByRole("complementary", { name: "Members" }).getByText("Away · At lunch").last().waitFor();
  await expectAccessible(page, "members on a phone");
  await page.setViewportSize(wide);
  await expectAccessible(page, "members");
  await page.getByRole("button", { name: "Close" }).click();

  await page.getByRole("button", { name: "change your status" }).click();
  await page.getByRole("dialog").waitFor();
  await expectAccessible(page, "the status");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "New room" }).click();
  await page.getByRole("combobox", { name: "People" }).fill(people[0]!.name);
  await page.getByRole("option").waitFor();
  await expectAccessible(page, "a new room");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("article").last().focus();
  await page.keyboard.press("Delete");
  await page.getByRole("dialog", { name: "Delete this message?" }).waitFor();
  await expectAccessible(page, "before something is deleted");
  await page.keyboard.press("Escape");

  await ada.context.setOffline(true);
  await ada.banner.getByText("You are offline.").waitFor();
  await ada.say("Later");
  await ada.untilStatus("Later", "queued");
  await expectAccessible(page, "offline");
  await ada.context.setOffline(false);
  await ada.untilLive();
  await people[0]!.client.admin.removeMember({ roomId, userId: await ada.userId() });
  await page.getByText("You are no longer a member of this room.").waitFor();
  await expectAccessible(page, "removed");
});
