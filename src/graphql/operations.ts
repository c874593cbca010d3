import type { DocumentNode, GraphQLError, GraphQLSchema, ValidationRule } from "graphql";
import { parse, specifiedRules, validate } from "graphql";
import { LRUCache } from "lru-cache";
import { Refusal } from "../errors.ts";

export type Prepared = { document: DocumentNode } | { errors: readonly GraphQLError[] };

export type Operations = ReturnType<typeof createOperations>;

const maxCachedCharacters = 8_000_000;
const maxErrors = 10;

/** Parses and validates, the same for every door. Known texts cost a look-up. */
export function createOperations(options: { schema: GraphQLSchema; mask: (error: unknown) => GraphQLError; rules?: ValidationRule[]; maxTokens?: number }) {
  const { schema, mask, maxTokens = 2_000 } = options;
  const rules = [...specifiedRules, ...(options.rules ?? [])];
  const cache = new LRUCache<string, Prepared>({
    maxSize: maxCachedCharacters,
    sizeCalculation: (_prepared, source) => source.length + 100,
    max: 5_000,
  });

  function prepare(source: string): Prepared {
    const known = cache.get(source);
    if (known) return known;
    const prepared = prepareAnew(source);
    cache.set(source, prepared);
    return prepared;
  }

  function prepareAnew(source: string): Prepared {
    let document: DocumentNode;
    try {
      document = parse(source, { maxTokens });
    } catch (error) {
      return { errors: [mask(tooLarge(error))] };
    }
    const errors = validate(schema, document, rules, { maxErrors });
    return errors.length === 0 ? { document } : { errors: errors.map(mask) };
  }

  return { prepare };
}

function tooLarge(error: unknown): unknown {
  return error instanceof Error && error.message.includes("Document contains more") ? new Refusal("QUERY_REFUSED", "The operation is too large.") : error;
}
