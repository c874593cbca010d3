import { GraphQLError, parse, specifiedRules, validate } from "graphql";
import type { DocumentNode, GraphQLSchema, ValidationRule } from "graphql";
import { LRUCache } from "lru-cache";
import { Refusal } from "../errors.ts";

export type Operations = ReturnType<typeof createOperations>;

const maxCachedCharacters = 8_000_000;
const maxErrors = 10;

/** Parses and validates, the same for every door. Known texts cost a look-up. */
export function createOperations(options: {
  schema: GraphQLSchema;
  mask: (error: unknown) => GraphQLError;
  rules?: ValidationRule[];
  maxTokens?: number;
}) {
  const { schema, mask, maxTokens = 2_000 } = options;
  const rules = [...specifiedRules, ...(options.rules ?? [])];
  const documents = new LRUCache<string, DocumentNode | GraphQLError>({
    maxSize: maxCachedCharacters,
    sizeCalculation: (_parsed, source) => source.length + 100,
    max: 5_000,
  });
  const verdicts = new WeakMap<DocumentNode, readonly GraphQLError[]>();

  /** @throws GraphQLError */
  function parseOnce(source: string): DocumentNode {
    let parsed = documents.get(source);
    if (!parsed) documents.set(source, (parsed = tryToParse(source)));
    if (parsed instanceof GraphQLError) throw parsed;
    return parsed;
  }

  function tryToParse(source: string): DocumentNode | GraphQLError {
    try {
      return parse(source, { maxTokens });
    } catch (error) {
      return mask(tooLarge(error));
    }
  }

  function validateOnce(document: DocumentNode): readonly GraphQLError[] {
    let errors = verdicts.get(document);
    if (!errors) verdicts.set(document, (errors = validate(schema, document, rules, { maxErrors }).map(mask)));
    return errors;
  }

  return { parse: parseOnce, validate: validateOnce };
}

function tooLarge(error: unknown): unknown {
  return error instanceof Error && error.message.includes("Document contains more")
    ? new Refusal("QUERY_REFUSED", "The operation is too large.")
    : error;
}
