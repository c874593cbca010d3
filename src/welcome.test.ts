import { expect, test } from "vitest";
import { welcome } from "./welcome.ts";

const url = "http://127.0.0.1:4000";

test("the start names what there is to open", () => {
  const text = welcome(url, { devLogin: true, persistedOperationsFile: null });
  expect(text).toContain(`open ${url} in a browser`);
  expect(text).toContain(`${url}/graphql\n`);
  expect(text).toContain(`${url}/dev/login`);
});

test("the start does not offer GraphiQL where only kept operations run", () => {
  const text = welcome(url, { devLogin: false, persistedOperationsFile: "operations.json" });
  expect(text).not.toContain("GraphiQL");
  expect(text).not.toContain("/dev/login");
});
