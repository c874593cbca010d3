import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isInterfaceType,
  isLeafType,
  isObjectType,
} from "graphql";
import type { Choice } from "./choice.ts";
import { fieldValue, type World } from "./values.ts";

export type Operation = { query: string; variables: Record<string, unknown>; operationName?: string };

type Draft = {
  choice: Choice;
  world: World;
  schema: GraphQLSchema;
  variables: Map<string, [GraphQLInputType, unknown]>;
};

const maxDepth = 5;

/** An operation of the schema, mostly valid: each argument is a variable or a literal, each selection a few fields of its type. */
export function randomOperation(
  schema: GraphQLSchema,
  { choice, world }: { choice: Choice; world: World },
  kind: "query" | "mutation" | "subscription",
): Operation {
  const draft: Draft = { choice, world, schema, variables: new Map() };
  const root = {
    query: schema.getQueryType(),
    mutation: schema.getMutationType(),
    subscription: schema.getSubscriptionType(),
  };
  const fields = Object.values(root[kind]!.getFields());
  const chosen = kind === "subscription" ? [choice.of(fields)] : choice.some(fields, 1.2 / fields.length);
  const selection = chosen.map((field, index) => fieldText(draft, field, { depth: 0, alias: index > 0 }));
  const declared = [...draft.variables].map(([name, [type]]) => `$${name}: ${String(type)}`);
  const head = declared.length > 0 ? `(${declared.join(", ")})` : "";
  return {
    query: `${kind} ${choice.chance(0.3) ? "Named" : ""}${head} { ${selection.join(" ")} }`,
    variables: Object.fromEntries([...draft.variables].map(([name, [, value]]) => [name, value])),
  };
}

function fieldText(
  draft: Draft,
  field: GraphQLField<unknown, unknown>,
  { depth, alias }: { depth: number; alias: boolean },
): string {
  const { choice } = draft;
  const given = field.args.filter((argument) => String(argument.type).endsWith("!") || choice.chance(0.4));
  const args = given.map((argument) => `${argument.name}: ${argumentText(draft, argument)}`);
  const head = alias ? `a${choice.int(1_000)}: ${field.name}` : field.name;
  const directive = choice.chance(0.03)
    ? ` @${choice.of(["skip", "include"])}(if: ${choice.of(["true", "false"])})`
    : "";
  const type = getNamedType(field.type);
  const text = `${head}${args.length > 0 ? `(${args.join(", ")})` : ""}${directive}`;
  return isLeafType(type) ? text : `${text} ${selectionText(draft, type, depth + 1)}`;
}

function argumentText(draft: Draft, argument: GraphQLArgument): string {
  const { choice, world, variables } = draft;
  const value = fieldValue(argument.name, argument.type, choice, world);
  if (choice.chance(0.3)) return literal(value);
  const name = `v${variables.size}`;
  variables.set(name, [argument.type, value]);
  return `$${name}`;
}

function selectionText(draft: Draft, type: GraphQLNamedType, depth: number): string {
  const { choice, schema } = draft;
  const parts = ["__typename"];
  if (isObjectType(type) || isInterfaceType(type)) {
    const fields = Object.values(type.getFields());
    const fit = depth < maxDepth ? fields : fields.filter((field) => isLeafType(getNamedType(field.type)));
    for (const field of choice.some(fit, 0.3))
      parts.push(fieldText(draft, field, { depth, alias: choice.chance(0.2) }));
  }
  if (isAbstractType(type)) {
    for (const possible of choice.some(schema.getPossibleTypes(type), 0.4))
      parts.push(`... on ${possible.name} ${selectionText(draft, possible, depth)}`);
  }
  return `{ ${parts.join(" ")} }`;
}

/** A value as it is written in a document; an enum's as a text, which is one of the mistakes to try. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const names = Object.keys(value).filter((name) => /^[_a-z]\w*$/i.test(name));
    return `{ ${names.map((name) => `${name}: ${literal((value as Record<string, unknown>)[name])}`).join(", ")} }`;
  }
  const isEnumLike = typeof value === "string" && /^[A-Z]{3,}$/.test(value);
  return isEnumLike ? value : JSON.stringify(value);
}
