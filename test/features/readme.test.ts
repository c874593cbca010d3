import { readFile } from "node:fs/promises";
import { getIntrospectionQuery, parse, print, separateOperations } from "graphql";
import { describe, expect, test } from "vitest";
import * as generated from "../../src/client/generated/operations.ts";
import { createErrorMask } from "../../src/graphql/errors.ts";
import { createOperations } from "../../src/graphql/operations.ts";
import { schema } from "../../src/schema.ts";

const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
const { prepare } = createOperations({ schema, mask: createErrorMask(() => {}) });

/** What stands in the README's blocks of a language. */
function blocksOf(language: string): string[] {
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"))].map(([, text]) => text!);
}

function* shellOperations(text: string): Generator<string> {
  const bodies = [
    ...[...text.matchAll(/'(\{"query":.*\})'/g)].map(([, body]) => body!),
    // Between double quotes a backslash takes away what the next character means to the shell.
    ...[...text.matchAll(/"(\{\\"query\\":.*\})"/g)].map(([, body]) => body!.replaceAll(/\\(["\\])/g, "$1")),
  ];
  for (const body of bodies) yield (JSON.parse(body) as { query: string }).query;
}

const operations = [
  // A block may hold several, with the fragments that they share.
  ...blocksOf("graphql").flatMap((text) => Object.values(separateOperations(parse(text))).map(print)),
  ...blocksOf("ts").flatMap((text) =>
    [...text.matchAll(/`((?:query|mutation|subscription)\b[^`]*)`/g)].map((match) => match[1]!),
  ),
  ...blocksOf("sh").flatMap((text) => [...shellOperations(text)]),
];

describe("in the README", () => {
  test("there are operations of every kind of block", () => {
    for (const part of ["query Reading", "$after: Cursor", "createRoom(", 'roomEvents(roomId: "$ROOM")'])
      expect(operations.some((text) => text.includes(part))).toBe(true);
  });

  test.each(operations)("this is valid and within the limits: %s", (query) => {
    const prepared = prepare({ query });
    expect(prepared.errors).toBeUndefined();
  });

  test("a field that there is not would be found", () => {
    expect(prepare({ query: operations[0]!.replace("{", "{ nothing") }).errors).not.toBeUndefined();
  });
});

/** The demo page asks for nothing else. */
const ofClientKit = Object.entries(generated)
  .filter(([name]) => name.endsWith("Document"))
  .map(([name, document]) => [name, String(document)] as const);

describe("within the limits, with the largest pages that a variable can ask for, are", () => {
  test("as many operations of the client kit as there are", () => {
    expect(ofClientKit.length).toBeGreaterThan(10);
  });

  test.each(ofClientKit)("the client kit's %s", (_name, query) => {
    const variables = { first: 100, last: 100 };
    expect(prepare({ query, variables }).errors).toBeUndefined();
  });

  test("the introspection that GraphiQL asks for", () => {
    const query = getIntrospectionQuery({
      descriptions: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      oneOf: true,
    });
    expect(prepare({ query, operationName: "IntrospectionQuery" }).errors).toBeUndefined();
  });
});
