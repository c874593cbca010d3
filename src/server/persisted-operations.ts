import { hash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { GraphQLError, type GraphQLSchema, parse, validate } from "graphql";
import { ConfigError } from "../config.ts";
import type { AllowedOperations } from "../graphql/operations.ts";
import { parseJsonObject, type JsonObject } from "../json-object.ts";

const setting = "PERSISTED_OPERATIONS";

/**
 * Reads the documents that are let in: a JSON object of SHA-256 (of the document's text, in hex) → document.
 * @throws ConfigError that names what is wrong with the file, documents that do not fit the schema included
 */
export async function readPersistedOperations(path: string, schema: GraphQLSchema): Promise<AllowedOperations> {
  const byHash = new Map<string, string>();
  const problems: string[] = [];
  for (const [key, text] of Object.entries(await readMap(path))) {
    const known = key.toLowerCase();
    if (typeof text !== "string") problems.push(`${setting}: ${path}: ${key} is not a text.`);
    else if (hash("sha256", text, "hex") !== known)
      problems.push(`${setting}: ${path}: ${key} is not its text's SHA-256.`);
    else {
      byHash.set(known, text);
      problems.push(...mistakesIn(text, schema).map((mistake) => `${setting}: ${path}: ${key}: ${mistake}`));
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const texts = new Set(byHash.values());
  return { byHash: (given) => byHash.get(given.toLowerCase()), has: (text) => texts.has(text) };
}

function mistakesIn(text: string, schema: GraphQLSchema): string[] {
  try {
    return validate(schema, parse(text)).map(({ message }) => message);
  } catch (error) {
    if (error instanceof GraphQLError) return [error.message];
    throw error;
  }
}

async function readMap(path: string): Promise<JsonObject> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError([`${setting}: ${path} cannot be read (${error.code}).`]);
  });
  const map = parseJsonObject(text);
  if (map === null) throw new ConfigError([`${setting}: ${path} is not a JSON object of hashes and documents.`]);
  return map;
}
