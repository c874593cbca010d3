import { setImmediate as nextTurn } from "node:timers/promises";
import { buildSchema, execute, parse, type GraphQLObjectType, type GraphQLSchema } from "graphql";
import { expect, test } from "vitest";
import { rejectThrown } from "./thrown.ts";

function schemaOfItems(): GraphQLSchema {
  const schema = buildSchema("type Query { items: [Item!]! } type Item { early: Int!, broken: Int! }");
  const item = schema.getType("Item") as GraphQLObjectType;
  const fields = { ...schema.getQueryType()!.getFields(), ...item.getFields() };
  fields["items"]!.resolve = () => [0, 1];
  // Only the first item has to be waited for.
  fields["early"]!.resolve = (index: number) => (index === 0 ? nextTurn(1) : 1);
  fields["broken"]!.resolve = () => {
    throw new Error("broken");
  };
  return schema;
}

test("of a list whose items throw, some at once and some later, no rejection is left to nobody", async () => {
  const left: unknown[] = [];
  const note = (reason: unknown) => void left.push(reason);
  process.on("unhandledRejection", note);
  try {
    const schema = schemaOfItems();
    rejectThrown(schema);
    const result = await execute({ schema, document: parse("{ items { early broken } }") });
    expect(result.errors?.map(({ message }) => message)).toEqual(["broken"]);
    await nextTurn();
    await nextTurn();
    expect(left).toEqual([]);
  } finally {
    process.off("unhandledRejection", note);
  }
});
