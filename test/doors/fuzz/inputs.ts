import fc from "fast-check";
import type { GraphQLSchema } from "graphql";
import { Choice } from "./choice.ts";
import { type Operation, randomOperation } from "./operations.ts";
import { anyValue, type World } from "./values.ts";

/** A change of a text. Places are fractions of its length, so that each stays one whatever was changed before. */
export type Mutation = { at: number; length: number; insert: string };

const pieces = fc.constantFrom(
  ..."{}()[]:$!@\"'\\#,.&|=".split(""),
  "...",
  '"""',
  "\n",
  "\r\n",
  "\u0000",
  "\ufeff",
  "\ud800",
  "💬",
  "\\u{110000}",
  "\\ud800",
  "1e999",
  "-",
  "0x1",
  "fragment F on User { ...F }",
  "...F",
  "query",
  "mutation",
  "subscription",
  "__typename",
  "__schema { types { name } }",
  "@skip(if: true)",
  "@defer",
  "@stream",
  "on",
  "null",
  "true",
  "extend type Query { a: Int }",
  "$v0",
  "first: -1",
  ..."id viewer room members messages presence roomEvents after".split(" "),
);

export const mutations = fc.array(
  fc.record<Mutation>({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.oneof(fc.constant(0), fc.nat(5), fc.nat(500)),
    insert: fc.oneof(fc.constant(""), pieces, fc.string({ unit: "binary", maxLength: 8 })),
  }),
  { maxLength: 4 },
);

export function mutated(text: string, changes: readonly Mutation[]): string {
  return changes.reduce((changed, { at, length, insert }) => {
    const from = Math.floor(at * changed.length);
    return changed.slice(0, from) + insert + changed.slice(from + length);
  }, text);
}

/** Where the text of an operation comes from, before it is changed. */
const sources = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ seed: fc.integer(), kind: fc.constantFrom("query", "mutation", "subscription") }),
  },
  { weight: 1, arbitrary: fc.record({ seed: fc.integer(), kind: fc.constant("known") }) },
);

/** How an operation is made. It is made when it is sent, of what there is by then. */
export type Recipe = { seed: number; kind: string; changes: Mutation[] };

export const recipes: fc.Arbitrary<Recipe> = fc
  .tuple(sources, fc.oneof({ weight: 2, arbitrary: fc.constant<Mutation[]>([]) }, { weight: 3, arbitrary: mutations }))
  .map(([source, changes]) => ({ ...source, changes }));

export type Kitchen = { schema: GraphQLSchema; world: World; known: readonly string[] };

export function operationOf({ seed, kind, changes }: Recipe, { schema, world, known }: Kitchen): Operation {
  const choice = new Choice(seed);
  if (kind === "known") {
    const variables = anyValue(choice, world);
    const isMap = typeof variables === "object" && variables !== null && !Array.isArray(variables);
    return {
      query: mutated(choice.of(known), changes),
      variables: isMap ? (variables as Record<string, unknown>) : {},
    };
  }
  const operation = randomOperation(schema, { choice, world }, kind as "query" | "mutation" | "subscription");
  return { ...operation, query: mutated(operation.query, changes) };
}
