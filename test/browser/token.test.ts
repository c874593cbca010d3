import { expect, test } from "vitest";
import { testSecret, tokenOf } from "../support/app.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld({ JWT_SECRET: testSecret });

test("with real authentication the page asks for a token, says when it is not taken, and keeps it over a reload", async () => {
  const page = await world.browser.newPage();
  await page.goto(world.app.url);
  expect(await page.getByLabel("Your name").count()).toBe(0);
  await page.getByLabel("Your token").fill("not a token");
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
