import { expect, test } from "vitest";
import { testSecret, tokenOf } from "../support/app.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld({ JWT_SECRET: testSecret });

test("with real authentication the page asks for a token, says when it is not taken, and keeps it over a reload", async () => {
  const page = await world.browser.newPage();
  await page.goto(world.app.url);
  await page.getByLabel("Your token").fill("not a token");
  expect(await page.getByLabel("Your name").count()).toBe(0);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("The server does not accept this token.").waitFor();

  await page.getByLabel("Your token").fill(await tokenOf("ada", { name: "Ada Byron" }));
  await page.getByRole("button", { name: "Sign in" }).click();
  const self = page.getByRole("button", { name: "change your status" });
  await self.getByText("Ada Byron").waitFor();
  await self.getByText("Online").last().waitFor();

  await page.reload();
  await self.getByText("Online").last().waitFor();
  await page.close();
});

test("a new token that is asked for is tried at once", async () => {
  const [old, next] = [await tokenOf("grace"), await tokenOf("grace", { name: "Grace Hopper" })];
  const page = await world.browser.newPage();
  const offered: string[] = [];
  await page.routeWebSocket(/\/graphql$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const { type, payload } = JSON.parse(String(message)) as { type: string; payload?: { authorization: string } };
      if (type === "connection_init") offered.push(payload!.authorization.replace("Bearer ", ""));
      if (offered.at(-1) === old) void socket.close({ code: 4403 });
      else server.send(message);
    });
  });
  await page.goto(world.app.url);
  await page.getByLabel("Your token").fill(old);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "New token" }).click();
  await page.getByRole("dialog").getByLabel("Your token").fill(next);
  let before = 0;
  await page.route(/\/graphql$/, async (route) => {
    const response = await route.fetch();
    before = offered.length;
    await route.fulfill({ response });
  });
  await page.getByRole("dialog").getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "change your status" }).getByText("Online").last().waitFor();
  expect(offered.slice(before)).toEqual([next]);
  await page.close();
});
