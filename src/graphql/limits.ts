import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  OperationTypeNode,
  visit,
} from "graphql";
import { queryRefused } from "../errors.ts";
import { createMeasure, type Measured, type Variables } from "./limits.measure.ts";

/** What one document may ask for. Beyond it is QUERY_REFUSED, whichever door it came through. */
export interface Limits {
  /** Of the text, in UTF-16 code units. */
  readonly maxCharacters: number;
  /** The place of each error is found by counting lines. */
  readonly maxLines: number;
  readonly maxTokens: number;
  /** An unknown name is compared with every known one, letter by letter with letter. */
  readonly maxNameCharacters: number;
  readonly maxAliases: number;
  readonly maxDirectives: number;
  /** Fields of one name that have fields of their own: each is compared with each. */
  readonly maxRepeats: number;
  /** Fields within fields; fragments do not count. */
  readonly maxDepth: number;
  readonly maxIntrospectionDepth: number;
  /** What an operation may cost by the sizes of the pages that it asks for: 1 for each value, but for these fields. */
  readonly maxCost: number;
  /** The same for a subscription, which is executed for each event. */
  readonly maxEventCost: number;
  readonly fieldCosts: Readonly<Record<`${string}.${string}`, number>>;
  /** How long lists may be that are not paged. */
  readonly listSizes: Readonly<Record<`${string}.${string}`, number>>;
}

/** They let GraphiQL's introspection and the client kit's operations through with room to spare. */
export const standardLimits: Limits = {
  maxCharacters: 65_536,
  maxLines: 2_000,
  maxTokens: 1_000,
  maxNameCharacters: 100,
  maxAliases: 30,
  maxDirectives: 30,
  maxRepeats: 30,
  maxDepth: 12,
  maxIntrospectionDepth: 20,
  maxCost: 100_000,
  maxEventCost: 10_000,
  // Up to 32 kB of text: an answer must not grow to hundreds of MB.
  fieldCosts: { "Message.content": 50 },
  listSizes: {
    "MessagesRead.ranges": 2_000,
    "Query.presence": 500,
    "Subscription.presence": 5_000,
    "TypingState.users": 50,
  },
};

/** @throws Refusal QUERY_REFUSED for a text that is not worth parsing */
export function checkText(text: string, { maxCharacters, maxLines }: Limits): void {
  if (text.length > maxCharacters) throw queryRefused(`The operation is longer than ${maxCharacters} characters.`);
  let lines = 1;
  for (const end of ["\n", "\r"]) {
    for (let at = text.indexOf(end); at !== -1; at = text.indexOf(end, at + 1)) lines += 1;
  }
  if (lines > maxLines) throw queryRefused(`The operation has more than ${maxLines} lines.`);
}

/** `excess` is null where the document keeps the limits. `byPages`: with smaller pages in its variables it might keep them. */
export type Verdict = { excess: GraphQLError | null; byPages: boolean; cost: number };

/**
 * A validation rule of its own, for it must come before those of graphql: some of them take the square of a document's
 * length, this one takes the length. Of the kept libraries, graphql-armor's cost rule knows neither lists nor variables,
 * and that of Pothos' complexity plugin would have to run anew for each request.
 *
 * Without variables it measures as if each page that they ask for were the largest: what passes so passes always.
 */
export function createLimits({ schema, limits }: { schema: GraphQLSchema; limits: Limits }) {
  const measure = createMeasure(schema, limits);

  return function judge(document: DocumentNode, variables: Variables | null): Verdict {
    const message = excessOfCounts(document, limits);
    if (message) return tooMuch(message);
    let largestCost = 0;
    for (const { cost, sizedByVariables, ...measured } of measure(document, variables)) {
      const reason = excessOfShape(measured, limits);
      if (reason) return tooMuch(reason, measured.operation);
      const isSubscription = measured.operation.operation === OperationTypeNode.SUBSCRIPTION;
      const maxCost = isSubscription ? limits.maxEventCost : limits.maxCost;
      if (cost > maxCost) {
        const costs = `The operation may cost up to ${cost}, more than ${maxCost}: ask for smaller pages, or for less of each item of a list.`;
        return { ...tooMuch(costs, measured.operation), byPages: sizedByVariables };
      }
      largestCost = Math.max(largestCost, cost);
    }
    return { excess: null, byPages: false, cost: largestCost };
  };
}

function tooMuch(message: string, nodes?: ASTNode): Verdict {
  const excess = new GraphQLError(message, { nodes, originalError: queryRefused(message) });
  return { excess, byPages: false, cost: Infinity };
}

function excessOfShape(
  {
    depth,
    introspectionDepth,
    aliasedIntrospection,
  }: Pick<Measured, "depth" | "introspectionDepth" | "aliasedIntrospection">,
  limits: Limits,
): string | null {
  if (depth > limits.maxDepth) return `The operation is deeper than ${limits.maxDepth} fields.`;
  if (introspectionDepth > limits.maxIntrospectionDepth) return "The introspection is too deep.";
  return aliasedIntrospection ? "An introspection has no aliases." : null;
}

function excessOfCounts(document: DocumentNode, limits: Limits): string | null {
  let aliases = 0;
  let directives = 0;
  let message: string | null = null;
  const repeats = new Map<string, number>();
  const stop = (reason: string) => {
    message = reason;
    return BREAK;
  };
  const checkName = (name: string) =>
    name.length > limits.maxNameCharacters
      ? stop(`A name is longer than ${limits.maxNameCharacters} characters.`)
      : undefined;
  visit(document, {
    Name: ({ value }) => checkName(value),
    EnumValue: ({ value }) => checkName(value),
    Directive() {
      return ++directives > limits.maxDirectives ? stop(`More than ${limits.maxDirectives} directives.`) : undefined;
    },
    Field({ alias, name, selectionSet }) {
      if (alias && ++aliases > limits.maxAliases) return stop(`More than ${limits.maxAliases} aliases.`);
      if (!selectionSet) return undefined;
      const key = (alias ?? name).value;
      const count = (repeats.get(key) ?? 0) + 1;
      repeats.set(key, count);
      return count > limits.maxRepeats ? stop(`A field is selected more than ${limits.maxRepeats} times.`) : undefined;
    },
  });
  return message;
}
