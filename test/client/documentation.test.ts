import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readCodeBlocks } from "./code-blocks.ts";

test("what the README shows of other clients is what the tests run", async () => {
  const shown = (await readCodeBlocks("README.md")).filter(({ file }) => file !== undefined);
  const names = ["chat.graphql", "graphql-ws.ts", "socket.ts", "apollo.ts", "urql.ts"];
  expect(shown.map(({ file }) => file)).toEqual(names.map((name) => `test/client/others/${name}`));
  for (const { file, code } of shown) {
    expect(code).toBe(await readFile(new URL(`../../${file}`, import.meta.url), "utf8"));
  }
});
