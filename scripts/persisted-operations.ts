/**
 * Writes the operations of the client kit to a file for PERSISTED_OPERATIONS, as an example for those of a frontend of one's
 * own: a JSON object of the SHA-256 of each document's text → the text, exactly as clients send it.
 *
 *   node scripts/persisted-operations.ts persisted-operations.json
 */
import { hash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import * as generated from "../src/client/generated/operations.ts";

const [path] = process.argv.slice(2);
if (path === undefined) {
  process.stderr.write("Say where to: node scripts/persisted-operations.ts persisted-operations.json\n");
  process.exitCode = 2;
} else {
  const documents = Object.entries(generated).filter(([name]) => name.endsWith("Document"));
  const texts = documents.map(([, document]) => String(document)).toSorted();
  const map = Object.fromEntries(texts.map((text) => [hash("sha256", text, "hex"), text]));
  await writeFile(path, `${JSON.stringify(map, null, 2)}\n`);
}
