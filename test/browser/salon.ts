import type { ChatPage } from "./chat-page.ts";
import type { Person } from "./person.ts";

/** Fills the page with what people who know each other would have in it, and opens their room. Gives its id. */
export async function furnish({ page, people }: { page: ChatPage; people: Person[] }): Promise<{ roomId: string }> {
  const [blaise, camille, denis, emilie] = people as [Person, Person, Person, Person];
  const ada = { id: await page.userId() };
  const walk = await blaise.createRoom("Saturday walk", [ada, camille, denis, emilie]);
  const club = await denis.createRoom("Reading club", [ada, emilie]);
  const direct = await camille.openDirectRoom(ada);
  const other = await denis.openDirectRoom(ada);
  const last = await emilie.openDirectRoom(ada);

  await denis.say(club, "Next is “The Baron in the Trees”. Who has a copy to lend?");
  await denis.say(other, "Did you get the tickets?");
  await emilie.say(last, "See you on Monday!");
  await camille.say(direct, "The photographs are here: https://example.org/album/42");

  await page.openRoom("Saturday walk");
  await blaise.say(walk, "Good morning! Are we still on for Saturday?");
  await blaise.say(walk, "The forecast says sun, and not a cloud before the evening.");
  const where = await camille.say(walk, "I am. Where do we start?");
  await page.message("I am. Where do we start?").hover();
  await page.message("I am. Where do we start?").getByRole("button", { name: "Reply" }).click();
  await page.say("At the old mill, nine o'clock. There is a café that opens early.");
  await page.untilStatus("At the old mill, nine o'clock. There is a café that opens early.", "sent");
  await page.say("Here is the way: https://example.org/walks/old-mill");
  await page.untilStatus("Here is the way: https://example.org/walks/old-mill", "sent");
  const good = await denis.say(walk, "Eleven kilometres and a lake: perfect. I take care of the sandwiches.");
  await emilie.say(walk, "I come with the dog, if nobody minds.", where);
  await page.say("The dog is the guest of honour.");
  await page.untilStatus("The dog is the guest of honour.", "sent");
  for (const person of [blaise, camille, denis]) await person.read(walk, good);
  await page.message("Here is the way: https://example.org/walks/old-mill").getByText("read by 3").waitFor();

  await camille.client.presence.set({ status: "AWAY", customStatus: "At lunch" });
  await denis.client.presence.set({ doNotDisturbUntil: new Date(Date.now() + 3_600_000).toISOString() });
  await emilie.client.presence.set({ currentRoomId: walk });
  await page.roomItem(denis.name).getByTitle("Do not disturb until").waitFor();
  await page.roomItem(camille.name).getByTitle("Away · At lunch").waitFor();
  return { roomId: walk };
}
