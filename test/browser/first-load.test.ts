import { expect, test } from "vitest";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();
const maxScriptBytes = 150_000;

test("the page needs less than 150 kB of script, compressed, and nothing of another server", async () => {
  const context = await world.browser.newContext();
  const page = await context.newPage();
  const addresses: string[] = [];
  page.on("request", (request) => addresses.push(request.url()));
  await page.goto(world.app.url);
  await page.getByLabel("Your name").fill(world.named("Ada"));
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("You are in no room yet.").waitFor();

  const scripts = await page.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .map((entry) => entry as PerformanceResourceTiming)
      .filter(({ name }) => name.endsWith(".js"))
      .map(({ encodedBodySize }) => encodedBodySize),
  );
  expect(scripts.length).toBeGreaterThan(0);
  const bytes = scripts.reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(maxScriptBytes);
  expect(addresses.filter((address) => !address.startsWith(world.app.url))).toEqual([]);
  await context.close();
});
