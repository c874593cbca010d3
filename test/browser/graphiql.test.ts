import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { noteProblems } from "./page-problems.ts";
import { useBrowserWorld } from "./support.ts";

const world = useBrowserWorld();

test("GraphiQL needs no other server: signed in by a click, it runs a mutation and watches a subscription", async () => {
  const watching = await world.browser.newPage();
  const writing = await world.browser.newPage();
  const problems: string[] = [];
  const foreign: string[] = [];
  for (const page of [watching, writing]) {
    noteProblems(page, problems);
    page.on("request", (request) => {
      if (!request.url().startsWith(world.app.url)) foreign.push(request.url());
    });
  }

  await signIn(watching, "Alice");
  const socket = watching.waitForEvent("websocket");
  await run(watching, "Inbox");
  expect((await socket).url()).toBe(`${world.app.url.replace("http", "ws")}/graphql`);
  await waitForAnswer(watching, '"CaughtUp"');

  await signIn(writing, "Alice");
  await run(writing, "CreateRoom");
  await waitForAnswer(writing, '"userErrors": []');
  await waitForAnswer(watching, '"MemberJoined"');
  await waitForAnswer(watching, '"Salon"');

  // What is pasted and run at once is not yet what the editor thinks it is.
  await paste(writing, "query Who { viewer { name } }");
  await waitForAnswer(writing, '"name": "Alice"');
  await paste(writing, "subscription { inbox { __typename } }");
  await waitForAnswer(writing, '"CaughtUp"');

  expect(foreign).toEqual([]);
  expect(problems).toEqual([]);
  await Promise.all([watching.close(), writing.close()]);
});

test("GraphiQL says why somebody is not let in", async () => {
  const page = await world.browser.newPage();
  await page.goto(`${world.app.url}/graphql`);
  await page.getByLabel("Name").fill("\u0007");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("A name has no control characters").waitFor();
  await page.close();
});

async function signIn(page: Page, name: string): Promise<void> {
  await page.goto(`${world.app.url}/graphql`);
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText(`Signed in as ${name}`).waitFor();
  await page.getByText("# The button runs").waitFor();
}

/** In place of what is there, and runs it in the same moment. */
async function paste(page: Page, text: string): Promise<void> {
  await page.locator(".graphiql-query-editor .view-lines").first().click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.insertText(text);
  await page.keyboard.press("ControlOrMeta+Enter");
}

/** One of the examples that it begins with. */
async function run(page: Page, example: string): Promise<void> {
  await page.getByRole("button", { name: "Execute query" }).click();
  await page.getByRole("menuitem", { name: example }).click();
}

function waitForAnswer(page: Page, part: string): Promise<unknown> {
  return page.waitForFunction(
    (text) =>
      document.querySelector(".graphiql-response .view-lines")?.textContent?.replaceAll("\u00a0", " ").includes(text),
    part,
  );
}
