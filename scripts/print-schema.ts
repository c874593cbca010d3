import { readFile, writeFile } from "node:fs/promises";
import { printedSchema } from "../src/schema.ts";

// Writes schema.graphql, or with --check fails where the committed one is stale.
const path = new URL("../schema.graphql", import.meta.url);
const printed = printedSchema();
if (!process.argv.includes("--check")) {
  await writeFile(path, printed);
} else if ((await readFile(path, "utf8")) !== printed) {
  process.stderr.write("schema.graphql is stale: run `npm run schema`.\n");
  process.exitCode = 1;
}
