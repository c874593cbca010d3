import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

type Locked = { version?: string; hasInstallScript?: boolean; resolved?: string; link?: boolean };
const read = (file: string) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), "utf8")) as unknown;
const { packages } = read("package-lock.json") as { packages: Record<string, Locked> };
const { allowScripts, dependencies } = read("package.json") as {
  allowScripts: Record<string, boolean>;
  dependencies: Record<string, string>;
};

const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
const copiesOf = (name: string) => Object.entries(packages).filter(([path]) => path !== "" && nameOf(path) === name);

/** Of release versions; what comes before a release is older than it. */
function isAtLeast(version: string, floor: string): boolean {
  const [numbers = "", early] = version.split("-", 2);
  const [own, least] = [numbers, floor].map((text) => text.split(".").map(Number));
  for (const [index, number] of least!.entries()) {
    if (own![index] !== number) return own![index]! > number;
  }
  return early === undefined;
}

test.each([
  ["8.21.0", "8.21.0", true],
  ["8.20.9", "8.21.0", false],
  ["10.0.0", "8.21.0", true],
  ["8.21.0-beta.1", "8.21.0", false],
])("%s against a floor of %s", (version, floor, expected) => {
  expect(isAtLeast(version, floor)).toBe(expected);
});

// Below these are known ways to bring a server down, or to get round a limit.
test.each([
  ["ws", "8.21.0"],
  ["graphql", "16.8.1"],
  ["graphql-yoga", "5.21.3"],
])("every copy of %s is %s or newer", (name, floor) => {
  const copies = copiesOf(name);
  expect(dependencies[name]).toMatch(/^\d/);
  expect(copies.length).toBeGreaterThan(0);
  expect(copies.filter(([, { version }]) => !isAtLeast(version!, floor))).toEqual([]);
});

test("install scripts run for the packages that are named, and these are all that have some", () => {
  const withScripts = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  const names = new Set(withScripts.map(([path]) => nameOf(path)));
  expect(Object.keys(allowScripts).sort()).toEqual([...names].sort());
  expect(new Set(Object.values(allowScripts))).toEqual(new Set([true]));
});

test("the lockfile names no place that packages are from: that is for whoever installs to say", () => {
  expect(Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
});
