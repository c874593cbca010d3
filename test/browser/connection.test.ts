import type { BrowserContext } from "playwright-core";
import { expect, test } from "vitest";
import { until } from "../support/until.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();
/** Without a network the browser has much to say in its console. */
const unheard = { problems: undefined };

test("what is written offline waits, and is sent once and in order when the network is back", async () => {
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice", unheard);
  await alice.createRoom("Tea", [world.named("Bob")]);
  await bob.openRoom("Tea");
  await alice.say("online");
  await alice.untilStatus("online", "sent");

  // What is read out must have been there before it says something.
  const status = await alice.page.locator(".banner p").elementHandle();
  await alice.context.setOffline(true);
  await alice.banner.getByText("You are offline.").waitFor();
  expect(await status.textContent()).toContain("You are offline.");
  for (const text of ["first", "second", "third"]) await alice.say(text);
  await alice.banner.getByText("3 messages wait to be sent.").waitFor();
  for (const text of ["first", "second", "third"]) await alice.untilStatus(text, "queued");
  await bob.say("meanwhile");
  await bob.untilStatus("meanwhile", "sent");

  await alice.context.setOffline(false);
  await alice.banner.getByText("Back online.").waitFor();
  await bob.message("third").waitFor();
  const expected = ["online", "meanwhile", "first", "second", "third"];
  expect(await bob.texts()).toEqual(expected);
  await alice.untilStatus("third", "read by 1");
  expect(await alice.texts()).toEqual(expected);
});

test.for(["the request", "the answer"])("a reload while %s is on its way loses and doubles nothing", async (lost) => {
  const wire = createWire(lost === "the request" ? "up" : "down");
  await using bob = await world.open("Bob");
  await using alice = await world.open("Alice", { ...unheard, prepare: wire.prepare });
  await alice.createRoom("Tea", [world.named("Bob")]);
  await bob.openRoom("Tea");
  await alice.say("before");
  // Its answer is there too: until then the next one would wait.
  await alice.untilStatus("before", "read by 1");

  wire.cut();
  await alice.say("one");
  await alice.say("two");
  // It is shown once it is kept.
  await alice.message("two").waitFor();
  await until("the first of them is on its way", () => wire.swallowed > 0);
  if (lost === "the answer") await bob.message("one").waitFor();
  wire.mend();
  await alice.page.reload();
  await alice.untilStatus("two", "read by 1");
  expect(await alice.texts()).toEqual(["before", "one", "two"]);
  expect(await bob.texts()).toEqual(["before", "one", "two"]);
});

test("what could not be kept before a reload is in the field again", async () => {
  await using alice = await world.open("Alice", unheard);
  await alice.createRoom("Tea");
  await alice.say("before");
  await alice.untilStatus("before", "sent");
  await alice.page.evaluate(occupyDatabase);
  await alice.say("just now");
  expect(await alice.composer.inputValue()).toBe("");
  await alice.page.reload();
  await until("it is there", async () => (await alice.composer.inputValue()) === "just now");
  await alice.composer.press("Enter");
  await alice.untilStatus("just now", "sent");
  expect(await alice.texts()).toEqual(["before", "just now"]);
  await alice.page.reload();
  await alice.message("just now").waitFor();
  expect(await alice.composer.inputValue()).toBe("");
});

test("what the server refuses is shown as not sent, and goes out when it is tried again and allowed", async () => {
  await using bob = await world.person("Bob");
  await using alice = await world.open("Alice", unheard);
  const aliceId = await alice.userId();
  const roomId = await bob.createRoom("Tea", [{ id: aliceId }]);
  await alice.openRoom("Tea");
  await alice.context.setOffline(true);
  await alice.banner.getByText("You are offline.").waitFor();
  await alice.say("Too late?");
  await alice.untilStatus("Too late?", "queued");
  await bob.client.admin.removeMember({ roomId, userId: aliceId });

  await alice.context.setOffline(false);
  await alice.untilStatus("Too late?", "Not sent");
  await alice.page.getByText("You are no longer a member of this room.").waitFor();
  await bob.client.admin.addMember({ roomId, userId: aliceId, role: "MEMBER" });
  await alice.composer.waitFor();
  await alice.message("Too late?").getByRole("button", { name: "Try again" }).click();
  await alice.untilStatus("Too late?", "sent");
  expect(await alice.texts()).toEqual(["Too late?"]);
});

/** From now on nothing can be written to the page's database. Runs in the page. */
async function occupyDatabase(): Promise<void> {
  const [info] = await indexedDB.databases();
  const opening = indexedDB.open(info!.name!);
  const database = await new Promise<IDBDatabase>((resolve) => {
    opening.onsuccess = () => resolve(opening.result);
  });
  const [name] = database.objectStoreNames;
  const store = database.transaction(name!, "readwrite").objectStore(name!);
  const goOn = () => {
    store.get("nothing").onsuccess = goOn;
  };
  goOn();
}

/** The page's socket, from which what belongs to sends can be made to vanish: on the way up, or on the way down with all else. */
function createWire(way: "up" | "down") {
  let isCut = false;
  const wire = {
    swallowed: 0,
    cut: () => {
      isCut = true;
    },
    mend: () => {
      isCut = false;
    },
    prepare: (context: BrowserContext) =>
      context.routeWebSocket(/\/graphql$/, (page) => {
        const server = page.connectToServer();
        page.onMessage((message) => {
          const isSend = String(message).includes("SendMessage");
          if (isCut && isSend) wire.swallowed++;
          if (!(isCut && isSend && way === "up")) server.send(message);
        });
        server.onMessage((message) => {
          if (!(isCut && way === "down")) page.send(message);
        });
      }),
  };
  return wire;
}
